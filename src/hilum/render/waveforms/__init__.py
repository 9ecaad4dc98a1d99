"""Waveforms as sheets: ECG on its grid in millimetres, other signals on an axis of time; SVG, PNG and PDF."""
