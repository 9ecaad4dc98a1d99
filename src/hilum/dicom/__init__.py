"""Bytes to values and back: Part 10 objects, the DICOM JSON Model, frames, search keys. No I/O, no HTTP."""
