"""What turns predictions into tokens."""
