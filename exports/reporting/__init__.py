"""What pages read: rows and files turned into what templates show. Nothing is written here."""
