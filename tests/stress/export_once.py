"""`python -m tests.stress.export_once RUN ATTEMPT CLOCK_OFFSET`: one run in a killable process."""

import sys
from datetime import timedelta

import django


def main(run_id: str, attempt: str, offset: str) -> None:
    django.setup()
    from exports.delivery.sending import send_due
    from exports.workers import jobs
    from tests.stress.pace import Clock, quick_retries

    clock = Clock()
    if float(offset):
        clock.skip(timedelta(seconds=float(offset)))
    with quick_retries():
        jobs.execute_here(int(run_id), int(attempt))
        send_due()
    clock.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
