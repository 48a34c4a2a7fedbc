"""The page: plugins, their runs and their results in a browser on this machine. Needs the extra `web`."""
