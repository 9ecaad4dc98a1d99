"""Hilum, a DICOMweb origin server (DICOM PS3.18)."""
