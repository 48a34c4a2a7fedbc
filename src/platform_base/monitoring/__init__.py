"""Looking at what runs: live views, metrics, spans, logs that machines read."""
