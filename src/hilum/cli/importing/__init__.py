"""Taking files in: where they are, the processes that ingest them, and what became of them."""
