"""Non-patient instances: taken in, and read."""
