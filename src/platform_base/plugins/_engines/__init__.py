"""Where a request is carried out: one module per way."""
