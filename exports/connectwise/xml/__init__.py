"""The document: written, and proven before it is published."""
