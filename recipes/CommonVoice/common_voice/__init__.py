"""Common Voice: releases with their sentences, and lists of clips with phones."""
