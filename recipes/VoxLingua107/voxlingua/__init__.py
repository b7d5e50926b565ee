"""VoxLingua107: speech from YouTube in 107 languages, as it was published."""
