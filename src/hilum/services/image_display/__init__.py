"""Invoke Image Display (IHE RAD-106): which studies another system's link opens."""
