"""VoxCeleb1: speech of 1,251 celebrities, as it was published."""
