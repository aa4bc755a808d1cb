"""When tasks run by themselves: due times, and what becomes of each (rules S1 to S8)."""
