"""Where a finished file goes: the export folder; later SFTP and others, one module each."""
