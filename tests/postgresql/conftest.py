"""What a PostgreSQL server alone can do to us: its tests are not there on SQLite."""

import os

if not os.environ.get("CWEXPORT_TEST_DATABASE_URL", "").startswith("postgres"):
    collect_ignore_glob = ["test_*.py"]
