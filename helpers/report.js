// The charts of the report. The brush over the small one is the window that the large one shows.

const SHORTEST = 5; // seconds

const draw = async (id) => {
  const chart = JSON.parse(document.getElementById(`${id}-chart`).textContent);
  const sizes = { labelFontSize: 12 };
  const config = { background: null, font: "system-ui, sans-serif", axis: sizes, legend: sizes };
  const options = { actions: false, ast: true, config, renderer: "svg" };
  return (await vegaEmbed(`#${id}`, chart, options)).view;
};

const clock = (seconds) => {
  const tenths = Math.round(seconds * 10);
  const hours = Math.floor(tenths / 36000);
  const minutes = Math.floor(tenths / 600) % 60;
  const rest = ((tenths % 600) / 10).toFixed(1).padStart(4, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
};

const timeline = await draw("timeline");
const overview = await draw("overview");
const duration = timeline.signal("to");
let shown;

const show = (start, end) => {
  shown = [start, end];
  timeline.signal("from", start).signal("to", end).runAsync();
  document.getElementById("view").textContent = `${clock(start)} to ${clock(end)} of ${clock(duration)}`;
};

const look = (start, end) => {
  const length = Math.min(Math.max(end - start, SHORTEST), duration);
  const from = Math.min(Math.max(start, 0), duration - length);
  const place = overview.scale("x");
  overview.signal("window_x", [place(from), place(from + length)]).runAsync();
};

overview.addSignalListener("window", (_, brush) => show(...(brush.start ?? [0, duration])));
show(0, duration);

for (const button of document.querySelectorAll("[data-moves]")) {
  const [first, last] = JSON.parse(button.dataset.moves);
  button.addEventListener("click", () => {
    const length = shown[1] - shown[0];
    look(shown[0] + first * length, shown[1] + last * length);
  });
}

for (const button of document.querySelectorAll("[data-looks]")) {
  button.addEventListener("click", () => {
    look(...JSON.parse(button.dataset.looks));
    document.getElementById("timeline").scrollIntoView({ block: "nearest" });
  });
}
