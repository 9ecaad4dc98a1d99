"""One folder a service of PS3.18, one module a transaction. Plain values in and out, synchronous."""
