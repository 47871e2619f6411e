"""Train your own: labelled files in, a report, and a model for this session and to keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from helpers.errors import HelpersError
from helpers.pages.figures import show_figure
from helpers.pages.result import plain
from helpers.pages.session import arrive, workspace

if TYPE_CHECKING:
    from helpers.lab.own import OwnModel

RESULT = "own model"


def page() -> None:
    """Lay out the page."""
    from helpers.lab.own import MOST_CLIPS, SWITCH, training_enabled
    from helpers.training.labelled import LEAST_CLIPS, LONGEST_CLIP

    arrive("train")
    st.title("Train your own")
    st.markdown(
        "A ZIP with a folder of clips per emotion, or with a CSV of the columns file, emotion and speaker. "
        "Or what “Download corrections” gave you, with the recordings that they are of, all at once."
    )
    st.caption(
        f"At most {MOST_CLIPS} clips of up to {LONGEST_CLIP:.0f} s, at least {LEAST_CLIPS} of each of two "
        "emotions; the more, the longer it takes. Where enough speakers are known, nobody is in training "
        "and in test; else the report says that it is leaky. Your files are removed when it is done; stay on "
        "this page until then."
    )
    if not training_enabled():
        st.info(
            f"Training is switched off on this server. On your own machine, `make run` switches it on; "
            f"elsewhere, {SWITCH}=1 does.",
            icon=":material/lock:",
        )
        return
    uploads = st.file_uploader("Labelled files", accept_multiple_files=True, key="labelled")
    if st.button("Train", type="primary", icon=":material/model_training:", disabled=not uploads):
        train({upload.name: upload.getvalue() for upload in uploads})
    if RESULT in st.session_state:
        show_result(st.session_state[RESULT])


def train(files: dict[str, bytes]) -> None:
    """Train, saying how far it is."""
    from helpers.lab.own import train_own

    status = st.status("Training", expanded=True)
    bar = status.progress(0.0)
    said: set[str] = set()

    def progress(stage: str, share: float) -> None:
        bar.progress(share)
        if stage not in said:
            said.add(stage)
            status.write(plain(stage))

    try:
        own = train_own(files, progress)
    except HelpersError as error:
        status.update(label="Nothing was trained", state="error")
        st.error(plain(str(error)), icon=":material/error:")
        return
    status.update(label="Trained", state="complete", expanded=False)
    workspace().add_model(own.model)
    st.session_state[RESULT] = own


def show_result(own: OwnModel) -> None:
    """Show the report, and offer the model."""
    from helpers.lab.charts import confusion_chart, interval_chart
    from helpers.lab.scores import confusion_table, headline_table

    card, report = own.model.card, own.report
    st.header(card.title, anchor=False)
    st.markdown(f"{card.description} **Protocol.** {report.protocol}. {card.protocol}")
    for column, (name, value) in zip(
        st.columns(3),
        {
            "Macro F1": f"{report.mean:.1%} ± {report.deviation:.1%}",
            "Chance": f"{1 / len(report.labels):.0%}",
            "Clips": str(report.clips),
        }.items(),
        strict=True,
    ):
        column.metric(name, value)
    if own.problems:
        with st.expander(f"{len(own.problems)} remarks on your clips"):
            st.markdown("\n".join(f"- {plain(problem)}" for problem in own.problems))
    left, right = st.columns(2)
    with left:
        matrix = confusion_table(report.confusion, report.labels)
        show_figure(
            "Confusion of your model", confusion_chart(matrix, "count"), matrix, "the report, just made"
        )
    with right:
        scores = headline_table([card])
        show_figure(
            "Your model by line",
            interval_chart(scores.assign(group=scores["condition"])),
            scores,
            "the card, just made",
        )
    st.success(
        "It is among the models of the pages “Call” and “Try it” until you leave.", icon=":material/check:"
    )
    st.download_button(
        "Model and card",
        own.archive,
        f"{card.name}.zip",
        "application/zip",
        icon=":material/download:",
        on_click="ignore",
    )
