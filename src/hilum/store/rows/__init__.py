"""What the rows of the index hold, how they are written and read."""
