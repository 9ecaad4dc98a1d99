"""Data sets of the DICOM JSON Model to Part 10 objects, and consumer formats to instances."""
