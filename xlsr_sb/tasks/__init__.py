"""One Brain for each task."""
