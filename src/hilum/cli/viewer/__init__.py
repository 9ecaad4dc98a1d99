"""`hilum viewer`: the OHIF viewer on board."""
