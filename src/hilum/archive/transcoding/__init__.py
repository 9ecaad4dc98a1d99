"""Stored instances in another transfer syntax: frames, what was made of them lately, and whole objects."""
