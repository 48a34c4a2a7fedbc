"""Who forks, watches and reaps: the small warm process between the host and its workers."""
