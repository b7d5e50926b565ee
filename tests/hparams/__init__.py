"""Tests of the hyperparameter system."""
