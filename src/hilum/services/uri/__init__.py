"""URI Service (PS3.18 chapter 9): one instance a request, everything in the query."""
