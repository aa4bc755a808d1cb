"""What a run leaves behind: its file, the file's name, its log."""
