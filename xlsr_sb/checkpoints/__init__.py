"""Other libraries' checkpoint formats: names, files, configurations."""
