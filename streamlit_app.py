"""The app: ``streamlit run streamlit_app.py``, or ``make run``."""

import streamlit as st

st.set_page_config(page_title="Call Emotions", page_icon="🎧", layout="wide")
st.navigation([st.Page("helpers/pages/call.py", title="Call", default=True)], position="hidden").run()
