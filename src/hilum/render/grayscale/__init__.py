"""The grayscale pipeline: from stored values to display values (PS3.4 N.2.1)."""
