"""Speech that ships inside Debian packages: fetched, decoded, cleaned and split."""
