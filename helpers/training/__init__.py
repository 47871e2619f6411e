"""Training and evaluation: corpora in, models with their cards out; the app needs nothing of it."""
