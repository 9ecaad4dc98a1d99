"""HTTP's grammar as values: media ranges, multipart/related, byte ranges, conditional requests. No I/O."""
