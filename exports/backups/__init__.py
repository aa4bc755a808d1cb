"""Backups: one archive of database, files and keys; and what a restored database must not do."""
