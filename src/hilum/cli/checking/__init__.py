"""`hilum check`: what any DICOMweb server does of what PS3.18 asks for."""
