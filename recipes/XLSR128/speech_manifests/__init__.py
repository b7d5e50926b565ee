"""Manifests of unlabelled speech, of others and of ours."""
