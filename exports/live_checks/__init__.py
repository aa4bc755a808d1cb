"""Requests to ConnectWise while somebody waits for a page: connection tests and previews."""
