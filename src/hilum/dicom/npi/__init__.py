"""Non-patient instances: their categories (PS3.18 chapter 12)."""
