"""Batches: many recordings, analysed by several processes or machines, into tables."""
