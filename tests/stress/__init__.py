"""Proof by force: random histories, faults and kills, judged by what ended in which file."""
