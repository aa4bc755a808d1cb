"""What every engine of the queue can do, and the errors it raises."""

from dataclasses import dataclass
from typing import Any, Protocol

# A run's id and its attempt: all that an engine carries.
Numbers = tuple[int, int]


class QueueError(ConnectionError):
    """The queue cannot be used at the moment; `str()` says why."""


class QueueRefusedError(QueueError):
    """The queue cannot be used until somebody changes something; `str()` says what."""


@dataclass(frozen=True)
class Job:
    """What a worker took: the numbers, and the engine's own mark for `done`."""

    run_id: int
    attempt: int
    mark: Any = None


class Engine(Protocol):
    """Jobs are put in by `jobs.execute_run.enqueue(run id, attempt)`, the API of django.tasks.

    Everything raises QueueError, or DatabaseError where the database is the queue.
    """

    # Whether a job put in within a transaction is there exactly if that is committed.
    is_transactional: bool

    def take(self, patience: float) -> Job | None:
        """The next job, which no other worker gets; waits up to `patience` seconds for one."""

    def announce(self) -> None:
        """Wake a waiting worker after a job was put in, where the engine does not by itself."""

    def done(self, job: Job, error: BaseException | None = None) -> None:
        """Its execution ended; a job that the engine has forgotten meanwhile is nothing special."""

    def waiting(self) -> set[Numbers]:
        """The jobs that no worker has taken yet."""

    def clear(self) -> None:
        """Delete jobs that nobody needs any more."""

    def forget_all(self) -> None:
        """Delete all jobs of this installation, as after a restore."""

    def see(self) -> None:
        """A sign of life from a worker, every few seconds: raises QueueError, or all is well."""

    def problem(self, *, is_asked: bool = False) -> QueueError | None:
        """Why the queue cannot be used, as far as this process knows; `is_asked` to look anew.

        For pages: costs nothing while all is well, and some seconds at most while it is not.
        """

    def problems(self) -> list[str]:
        """For operators: looks anew, and returns a sentence for each thing to mend."""
