"""Blobs: Part 10 objects as received and what is kept beside them."""
