"""Instances that are given out otherwise than stored: de-identified, or with their frames encoded anew."""
