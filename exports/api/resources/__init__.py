"""What the API offers, a module for each kind of thing: its fields and its operations."""
