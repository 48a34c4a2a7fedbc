"""One file for each family of cases; each has a `make_cases`."""
