"""Series from files: one reader for each format, on disk or in memory; entered from the command line and the page."""
