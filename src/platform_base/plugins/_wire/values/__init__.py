"""One module per family of values that can cross the process border."""
