"""De-identification: PS3.15 Annex E, the Basic Profile with the Clean Pixel Data Option."""
