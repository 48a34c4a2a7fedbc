"""When a plugin changes on disk: watching, and switching releases."""
