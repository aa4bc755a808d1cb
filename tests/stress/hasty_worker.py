"""`python -m tests.stress.hasty_worker`: a worker that takes others for dead sooner.

Each wait is a fifth of the real one, in the same proportions, so that a host that was away is
missed within the time of a test.
"""

from datetime import timedelta
from typing import Any

import django

_FACTOR = 5


def main() -> None:
    django.setup()
    from exports.models.runs import queryset
    from exports.pipeline import lease
    from exports.workers import duties, recovery, worker

    queryset.DEAD_AFTER = recovery.DEAD_AFTER = queryset.DEAD_AFTER / _FACTOR
    for module, name in (
        (lease, "RENEW_EVERY"),
        (lease, "GIVE_UP_AFTER"),
        (duties, "RECOVER_EVERY"),
        (duties, "UNBLOCK_EVERY"),
        (duties, "DELIVER_EVERY"),
        (recovery, "STALLED_AFTER"),
        (recovery, "_ENQUEUE_AGAIN_AFTER"),
    ):
        _shorten(module, name)
    worker.work()


def _shorten(module: Any, name: str) -> None:
    usual: float | timedelta = getattr(module, name)
    setattr(module, name, usual / _FACTOR)


if __name__ == "__main__":
    main()
