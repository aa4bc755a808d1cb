"""The queued path of jobs from before version 0.2; goes with the release after it.

A job queued by an earlier version names `exports.jobs.execute_run`; the queue imports that name.
"""

from exports.workers.jobs import execute_run

__all__ = ["execute_run"]
