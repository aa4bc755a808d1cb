"""What a run stores: its file under a name, and its log."""
