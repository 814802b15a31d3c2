"""The only I/O: requests, retries, connection pools, server-sent events."""
