"""Pickles of torch, read by a machine of our own: nothing that a file names is run."""
