"""What exists: releases found on disk, their digests, and which of them is active."""
