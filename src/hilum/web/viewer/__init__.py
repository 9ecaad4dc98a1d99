"""The page of the OHIF viewer and its configuration."""
