"""The rules around every request: hosts, origins, tokens, limits, log and metrics."""
