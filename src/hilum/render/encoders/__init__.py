"""From display values to bytes of a media type."""
