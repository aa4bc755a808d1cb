"""The product; README, "Where things live", says what each folder is for."""
