"""Non-patient instances in the index."""
