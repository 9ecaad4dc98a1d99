"""Searches in the index."""
