"""The service: analyses, clips and training over HTTP, in one process with one queue."""
