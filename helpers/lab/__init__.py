"""The lab: how good the models are, on what, and why; read from committed reports."""
