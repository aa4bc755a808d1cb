"""The client: one request out, one checked response in."""
