"""A release in one file, the same bytes wherever it is packed."""
