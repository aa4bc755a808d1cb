"""Long simulations: random histories, faults and kills, judged by the exported files."""
