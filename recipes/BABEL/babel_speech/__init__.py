"""Telephone conversations of the IARPA Babel program, as published by the LDC."""
