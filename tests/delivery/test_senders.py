"""Each destination has a thread: one that hangs holds up no other (D3)."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from exports.delivery.kinds import folder
from exports.delivery.senders import Senders
from exports.models import Task
from tests.delivery.destinations import execute
from tests.delivery.test_deliveries import add_folder

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.rule("D3")
def test_hanging_destination_holds_up_no_other(
    task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("slow", "quick"):
        (tmp_path / name).mkdir()
    slow, quick = add_folder(task, tmp_path / "slow"), add_folder(task, tmp_path / "quick")
    released, over = threading.Event(), threading.Event()
    find: Callable[[Any], str] = folder._FolderSession._find

    def find_slowly(session: Any) -> str:
        if session._folder.name == "slow":
            released.wait(30)
        return find(session)

    monkeypatch.setattr(folder._FolderSession, "_find", find_slowly)
    run = execute(task)
    senders = Senders(over.is_set)
    senders.start_due()
    try:
        others = [one for key, one in senders._threads.items() if key != slow.destination_id]
        for thread in others:
            thread.join(30)
        assert run.deliveries.get(destination=quick.destination).state == "delivered"
        assert run.deliveries.get(destination=slow.destination).state == "sending"
        senders.start_due()
    finally:
        released.set()
        senders.join(30)

    assert run.deliveries.get(destination=slow.destination).state == "delivered"
