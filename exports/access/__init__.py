"""Who may do what: roles, and one table that says the least role of every address."""
