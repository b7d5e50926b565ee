"""What turns the features of the encoder into predictions: one module a task."""
