"""Where pixels go: rotation, displayed area, region, scaling."""
