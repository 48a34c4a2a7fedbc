"""platform_base: a time-series platform that runs other people's Python in confined processes."""
