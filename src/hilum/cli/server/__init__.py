"""The server process: what is checked before it starts, its workers and its housekeeping."""
