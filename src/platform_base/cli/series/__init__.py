"""Where the inputs of the command line come from."""
