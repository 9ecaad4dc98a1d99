"""Part 10 bytes to values: scan, head, frames, the form that travels."""
