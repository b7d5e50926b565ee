"""Audio and text to batches."""
