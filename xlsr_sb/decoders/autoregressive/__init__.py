"""What turns a model of the next token into sequences of tokens."""
