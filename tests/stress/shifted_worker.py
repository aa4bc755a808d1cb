"""`python -m tests.stress.shifted_worker CLOCK_OFFSET`: a real worker with the history's clock."""

import sys
from datetime import timedelta

import django


def main(offset: str) -> None:
    django.setup()
    from exports.workers import worker
    from tests.stress.pace import Clock, quick_retries

    clock = Clock()
    if float(offset):
        clock.skip(timedelta(seconds=float(offset)))
    with quick_retries():
        worker.work()
    clock.stop()


if __name__ == "__main__":
    main(sys.argv[1])
