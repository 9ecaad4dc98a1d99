"""Hilum as a user agent of any DICOMweb server."""
