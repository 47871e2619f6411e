"""The app's pages: they lay out, and leave all computing to the modules beside this folder."""
