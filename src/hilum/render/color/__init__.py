"""Colour models, palettes and ICC profiles."""
