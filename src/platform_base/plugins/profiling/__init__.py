"""What profiled calls have shown: read from what a worker says, and checked."""
