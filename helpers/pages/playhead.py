"""A line through the timeline at what the player plays, drawn in the browser alone."""

from __future__ import annotations

import streamlit as st

_HTML = '<div class="playhead" hidden></div>'
_CSS = """
.playhead {
  position: absolute; width: 2px; margin-left: -1px; pointer-events: none; z-index: 1;
  background: var(--st-text-color); box-shadow: 0 0 0 1px var(--st-background-color);
}
"""
# The chart's grounds span its window, so where they are on the page says where a time is.
_JS = """
export default function ({ data, parentElement }) {
  const line = parentElement.querySelector(".playhead");
  const place = (player) => {
    const grounds = [...document.querySelectorAll("[data-testid=stVegaLiteChart] .grounds_marks path")];
    const share = (player.currentTime - data.start) / (data.end - data.start);
    line.hidden = !grounds.length || share < 0 || share > 1;
    const here = line.offsetParent?.getBoundingClientRect();  // none while it is taken off the page
    if (!line.hidden && here) {
      const boxes = grounds.map((ground) => ground.getBoundingClientRect());
      const top = Math.min(...boxes.map((box) => box.top));
      const bottom = Math.max(...boxes.map((box) => box.bottom));
      line.style.left = `${boxes[0].left - here.left + share * boxes[0].width}px`;
      line.style.top = `${top - here.top}px`;
      line.style.height = `${bottom - top}px`;
    }
  };
  let timer;
  const follow = () => {
    const player = document.querySelector("[data-testid=stAudio]");
    if (player?.currentTime) place(player);
    else line.hidden = true;
    timer = setTimeout(follow, player && !player.paused ? 40 : 250);  // ms; at rest the processor is, too
  };
  follow();
  return () => clearTimeout(timer);
}
"""


def show_playhead(start: float, end: float) -> None:
    """Mark in the timeline above what the player plays.

    Parameters
    ----------
    start, end : float
        Of the window that the timeline shows [seconds].
    """
    mount = st.components.v2.component("playhead", html=_HTML, css=_CSS, js=_JS)
    mount(key="playhead", data={"start": start, "end": end})
