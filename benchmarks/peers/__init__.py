"""Ways to run a function in another process, each in one shape."""
