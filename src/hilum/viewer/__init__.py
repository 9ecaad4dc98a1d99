"""The OHIF viewer on board: its package, and where the data folder holds it."""
