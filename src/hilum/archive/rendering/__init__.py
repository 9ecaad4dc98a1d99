"""Rendering of what the archive holds: sources for the pipeline, and the choice of representations."""
