"""Writes the XML document and validates it before it is published."""
