"""Queueing a run while others of the task end: neither waits for the other for ever."""

import threading

import pytest
from django.db import close_old_connections, connection

from exports.models import Run, Task
from exports.models.errors import RunActiveError
from tests.conftest import MakeTask


@pytest.mark.rule("Q1")
@pytest.mark.django_db(transaction=True)
def test_queueing_and_ending_do_not_deadlock(make_task: MakeTask) -> None:
    """On PostgreSQL an ending run needs a share of the task that queueing had locked."""
    task = make_task()
    errors: list[Exception] = []
    is_over = threading.Event()

    def end_runs(owner: str) -> None:
        try:
            while not is_over.is_set():
                for run in Run.objects.active():
                    if run.claim(owner):
                        run.fail(owner, "ConnectWise answered 401.")
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    def queue_runs() -> None:
        try:
            for _number in range(40):
                try:
                    Task.objects.get(pk=task.pk).queue_run(Run.Trigger.MANUAL)
                except RunActiveError:
                    continue
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    ending = [threading.Thread(target=end_runs, args=[f"worker-{n}"]) for n in range(2)]
    queueing = [threading.Thread(target=queue_runs) for _number in range(3)]
    for thread in (*ending, *queueing):
        thread.start()
    for thread in queueing:
        thread.join()
    is_over.set()
    for thread in ending:
        thread.join()
    close_old_connections()

    assert errors == []
    assert Run.objects.filter(status=Run.Status.FAILED).exists()
