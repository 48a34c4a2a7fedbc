"""Values that every room of the platform shares; light to import."""
