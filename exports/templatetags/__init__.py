"""How templates write numbers and times, draw charts and ask for rights."""
