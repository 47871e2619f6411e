"""What the README says is what is there."""

import re
from pathlib import Path

from helpers.__main__ import _parser
from helpers.classifier import read_card

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_its_scores_are_those_of_the_card() -> None:
    rows = [
        f"| {score['corpus']} | {score['condition']} | {score['baseline']} | {score['uar']:.1%} "
        f"| {score['uar_interval'][0]:.1%} to {score['uar_interval'][1]:.1%} | {score['ece']:.3f} "
        f"| {score['segments']} | {score['speakers']} |"
        for score in read_card().scores
    ]
    table = README[README.index("<!-- scores: begin -->") : README.index("<!-- scores: end -->")]
    assert [line.strip() for line in table.splitlines() if "%" in line][1:] == rows


def test_its_make_targets_and_files_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^make (\w+)", README, flags=re.MULTILINE):
        assert f"\n{target}:" in makefile
    for link in re.findall(r"\]\(([\w/.-]+)\)", README):
        assert (ROOT / link).exists(), link


def test_its_options_are_those_of_the_command_line() -> None:
    known = vars(_parser().parse_args(["analyze", "x"]))
    options = re.findall(r"`--([a-z-]+)", README)
    assert len(options) >= 6
    for option in options:
        assert option.replace("-", "_") in known, option


def test_its_variables_are_those_of_the_code_and_of_streamlit_webrtc() -> None:
    import streamlit_webrtc

    sources = [*(ROOT / "helpers").glob("**/*.py"), *Path(streamlit_webrtc.__file__).parent.glob("*.py")]
    code = "".join(source.read_text(encoding="utf-8") for source in sources)
    table = README[README.index("## Configuration") : README.index("## Command line")]
    variables = re.findall(r"`([A-Z_]+)`", table)
    assert len(variables) >= 7
    for variable in variables:
        assert f'"{variable}"' in code, variable
