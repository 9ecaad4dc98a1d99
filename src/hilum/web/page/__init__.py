"""The page to work in: assets for a browser, and what it shows of the server."""
