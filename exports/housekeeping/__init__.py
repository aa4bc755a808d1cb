"""Deletes what is no longer needed."""
