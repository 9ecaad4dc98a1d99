"""Presentation states: which images they show, and how."""
