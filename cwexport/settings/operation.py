"""What is kept for how long, and other limits."""

from cwexport.settings.environment import read_number, read_text

# The overlap: how far Modified reaches back for late arrivals, in minutes (rule W5).
CWEXPORT_OVERLAP_MINUTES = read_number("CWEXPORT_OVERLAP_MINUTES", 15, 0, 1440)
# How long history, logs and files are kept (rule G1): days, and runs of a task, 0 for any number.
CWEXPORT_KEEP_DAYS = read_number("CWEXPORT_KEEP_DAYS", 90, 1, 36_500)
CWEXPORT_KEEP_RUNS = read_number("CWEXPORT_KEEP_RUNS", 0, 0, 1_000_000)
# How long each entry of the audit log is kept (rule L2).
CWEXPORT_AUDIT_KEEP_YEARS = read_number("CWEXPORT_AUDIT_KEEP_YEARS", 10, 1, 1_000)

# How often a token may be used, in each web process (rule I2).
CWEXPORT_API_REQUESTS_PER_MINUTE = read_number(
    "CWEXPORT_API_REQUESTS_PER_MINUTE", 600, 1, 1_000_000
)
# What backups are encrypted with; without it, and without --passphrase-file, they are not.
CWEXPORT_BACKUP_PASSPHRASE = read_text("CWEXPORT_BACKUP_PASSPHRASE")
# Where the demo shows what it sent; every page of the demo links to it.
CWEXPORT_DEMO_ARRIVALS = read_text("CWEXPORT_DEMO_ARRIVALS")
