"""Documents that people write: read with limits, faults placed on their line, names spell-checked."""
