"""The Studies Service (PS3.18 chapter 10)."""
