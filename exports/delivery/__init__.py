"""Sends finished files to a destination; one module for each kind of destination."""
