"""The files of tests that `make test` leaves out, half of the time of all without a browser.

They start whole servers, kill processes or wait for leases, a second and more for each test. On two
cores all tests without a browser took 16 and a half minutes; these were 18 of the 32 minutes that
the tests took one by one.
"""

from typing import Final

SLOW_FILES: Final = frozenset(
    {
        "tests/api/test_real_server.py",
        "tests/backups/test_restoring.py",
        "tests/backups/test_restoring_into_buckets.py",
        "tests/backups/test_taking_in.py",
        "tests/cwexport/test_public_url.py",
        "tests/delivery/test_hosts.py",
        "tests/delivery/test_kills.py",
        "tests/delivery/test_pending_copies.py",
        "tests/delivery/test_webdav.py",
        "tests/house/test_tables.py",
        "tests/housekeeping/test_same_exports.py",
        "tests/management/test_broken_database.py",
        "tests/management/test_key_sweep.py",
        "tests/management/test_living_demo.py",
        "tests/management/test_prune.py",
        "tests/management/test_run_task.py",
        "tests/management/test_serve.py",
        "tests/management/test_serve_end.py",
        "tests/management/test_start_together.py",
        "tests/middleware/test_request_shape.py",
        "tests/models/test_upgrade.py",
        "tests/sign_in/test_two_web_servers.py",
        "tests/stress/test_short.py",
        "tests/upgrades/test_every_table.py",
        "tests/upgrades/test_upgrades.py",
        "tests/workers/queues/test_redis_faults.py",
        "tests/workers/test_side_by_side.py",
        "tests/workers/test_worker.py",
        "tests/workflows/test_worker.py",
    }
)
