"""What is painted over an image: overlays, shutters, graphics, text."""
