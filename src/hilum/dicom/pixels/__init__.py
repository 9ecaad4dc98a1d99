"""Pixel data: their format, codestreams, and other transfer syntaxes."""
