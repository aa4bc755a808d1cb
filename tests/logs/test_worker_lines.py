"""Lines of a worker name the run and its task."""

import logging
from collections.abc import Iterator
from io import StringIO

import pytest

from exports.logs.formats import LineFormatter
from exports.models import Run, Task
from exports.workers import jobs

pytestmark = pytest.mark.rule("I4")


@pytest.fixture
def log() -> Iterator[StringIO]:
    written = StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(LineFormatter())
    logging.getLogger("exports").addHandler(handler)
    yield written
    logging.getLogger("exports").removeHandler(handler)


def test_lines_of_a_job_name_its_run(task: Task, log: StringIO) -> None:
    run = task.queue_run(Run.Trigger.MANUAL, None)
    jobs.execute_here(run.pk, run.attempt + 1)

    assert log.getvalue().endswith(f'[run={run.pk} task="{task.name}"]\n')
