"""Where data live: the index and the blobs. Knows no HTTP."""
