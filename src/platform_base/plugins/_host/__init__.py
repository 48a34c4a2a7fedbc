"""Who holds the other end: the host side of the warden and of each worker."""
