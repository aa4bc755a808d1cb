"""The situations in which somebody may want a run to end, created with a real worker."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from exports.demo import wires
from exports.demo.answers import COUNT, LIST, Request
from exports.demo.faults import Delay, Sending, Status
from exports.demo.switches import Fault
from exports.models import Run, Task
from tests.stress.kill_points import wait_until
from tests.stress.sample_installation import SampleInstallation, queue


def _is_page(request: Request) -> bool:
    return request.query.get("orderBy") == "id asc"


def _is_proof(request: Request) -> bool:
    return "lastUpdated <=" in request.query.get("conditions", "")


@dataclass(frozen=True)
class Situation:
    """`name` for the table. `fault` delays the run; None: it is only busy with its own work.

    `is_there` decides from the run's row, and from how often the fault has occurred.
    """

    name: str
    fault: Callable[[], Fault] | None
    is_there: Callable[[Run, int], bool]
    is_large: bool = False

    @contextmanager
    def reached(self, sample: SampleInstallation, task: Task) -> Iterator[Run]:
        """Queue a run for the running worker and wait for the situation. Raises TimeoutError."""
        fault = sample.stand_in.faults.add(self.fault()) if self.fault else None
        run = queue(task)

        def is_so() -> bool:
            struck_count = fault.struck_count if fault else 0
            return self.is_there(Run.objects.get(pk=run.pk), struck_count)

        try:
            wait_until(is_so, seconds=60)
            yield run
        finally:
            if fault is not None:
                sample.stand_in.faults.remove(fault)


def _has_struck(run: Run, struck_count: int) -> bool:
    return struck_count > 0


SITUATIONS = (
    Situation(
        "in a page that drips, a byte in 0.2 s",
        lambda: Sending(wires.drip_body(0.2), on=(LIST,), when=_is_page, after=2),
        _has_struck,
    ),
    Situation(
        "in a page whose headers drip",
        lambda: Sending(wires.drip_headers(0.2), on=(LIST,), when=_is_page, after=2),
        _has_struck,
    ),
    Situation(
        "in a page that is never answered",
        lambda: Sending(wires.never_answer, on=(LIST,), when=_is_page, after=2),
        _has_struck,
    ),
    Situation(
        "in a wait of 120 s after a 429",
        lambda: Status(429, retry_after="120", on=(LIST,), when=_is_page, after=2),
        lambda run, _: run.retry_count > 0,
    ),
    Situation(
        "in the count that proves the walk",
        lambda: Delay(30, on=(COUNT,), when=_is_proof),
        _has_struck,
    ),
    Situation(
        "in the check of a large file",
        None,
        lambda run, _: run.activity == "validating" or not run.is_active,
        is_large=True,
    ),
)
