"""What people are told: messages leave their outbox rows through channels (rules N1 to N5)."""
