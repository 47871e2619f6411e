// Sorts the table by the column of the heading that is clicked; what is not known comes last.

const table = document.querySelector("table");
const headings = [...table.querySelectorAll("thead th")];

const value = (row, column) => {
  const given = row.cells[column].dataset.value;
  return given === "" || isNaN(given) ? given.toLowerCase() : Number(given);
};

const sort = (column, direction) => {
  const compare = (one, other) => {
    const [a, b] = [value(one, column), value(other, column)];
    if (a === "" || b === "") return (a === "") - (b === "");
    return direction * (a < b ? -1 : a > b ? 1 : 0);
  };
  table.tBodies[0].append(...[...table.tBodies[0].rows].sort(compare));
  headings.forEach((heading, number) => {
    if (number === column) heading.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
    else heading.removeAttribute("aria-sort");
  });
};

headings.forEach((heading, column) => {
  heading.querySelector("button")?.addEventListener("click", () =>
    sort(column, heading.getAttribute("aria-sort") === "descending" ? 1 : -1));
});
