"""Bytes in, bytes out, and the threads between."""
