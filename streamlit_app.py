"""The app: ``streamlit run streamlit_app.py``, or ``make run``."""

import streamlit as st

from helpers.pages import call

st.set_page_config(page_title="Call Emotions", page_icon="🎧", layout="wide")
st.navigation([st.Page(call.page, title="Call", url_path="call", default=True)], position="hidden").run()
