"""The log of the processes: lines or JSON, each with what it is about, and without secrets."""
