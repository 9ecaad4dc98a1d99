"""Search keys: attribute paths, conditions, dates and times."""
