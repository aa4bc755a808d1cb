"""What monitoring is told: figures read from the rows at each question (rule I3)."""
