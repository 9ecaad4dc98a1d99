"""HTTP: the resource table, handlers, negotiation, representations, error bodies."""
