"""Records by id, complete and in order."""
