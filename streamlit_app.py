"""The app: ``streamlit run streamlit_app.py``, or ``make run``."""

import streamlit as st

from helpers.pages import call, corpora, experiments, live, models, train, try_it

st.set_page_config(page_title="Call Emotions", page_icon="🎧", layout="wide")
st.navigation(
    [
        st.Page(call.page, title="Call", icon=":material/graphic_eq:", url_path="call", default=True),
        st.Page(live.page, title="Live", icon=":material/mic:", url_path="live"),
        st.Page(models.page, title="Models", icon=":material/leaderboard:", url_path="models"),
        st.Page(experiments.page, title="Experiments", icon=":material/science:", url_path="experiments"),
        st.Page(corpora.page, title="Corpora", icon=":material/library_books:", url_path="corpora"),
        st.Page(try_it.page, title="Try it", icon=":material/tune:", url_path="try"),
        st.Page(train.page, title="Train your own", icon=":material/model_training:", url_path="train"),
    ],
    position="top",
).run()
