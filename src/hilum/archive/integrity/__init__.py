"""Are the bytes what the index says they are?"""
