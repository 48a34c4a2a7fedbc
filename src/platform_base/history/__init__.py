"""The memory of every run: what ran, how it ended, what it used."""
