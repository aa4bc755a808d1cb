"""The HTTP client for ConnectWise."""
