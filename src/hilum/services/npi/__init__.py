"""The Non-Patient Instance Service (PS3.18 chapter 12), one module a transaction."""
