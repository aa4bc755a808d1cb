"""`manage.py doctor`: each part fine, or a sentence that says what to do."""

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from exports.models import Channel, Connection, Installation, Task, Worker
from exports.models.hosts import CLOCK_LIMIT, clock_ahead
from exports.reporting.doctor import State, examine
from exports.reporting.notices import notices
from exports.storage import disk_room
from tests.management.installation import free_port, install, manage
from tests.notifications.sinks import mail_sink

pytestmark = [pytest.mark.django_db, pytest.mark.rule("Q1")]

OTHER_MARK = "0123456789abcdef"


@pytest.fixture(autouse=True)
def worker(data_folder: Path) -> Worker:
    """A worker of this host."""
    Worker.objects.see("own", 1)
    return Worker.objects.get()


def far_away(**differences: Any) -> None:
    """A worker of another host, which differs in this."""
    Worker.objects.see("other", 2)
    Worker.objects.filter(name="other").update(host="far-away", **differences)


def told(state: State, part: str) -> str:
    """What is told of this part, in this state."""
    return "\n".join(one.sentence for one in examine() if (one.state, one.part) == (state, part))


def test_healthy_installation_is_fine_in_every_part() -> None:
    out = StringIO()
    call_command("doctor", "--json", stdout=out)
    found = json.loads(out.getvalue())

    assert found["ok"] is True
    assert {one["state"] for one in found["findings"]} == {"fine"}
    assert [one["part"] for one in found["findings"]] == [
        *("database", "migrations", "queue", "files", "keys", "clocks", "workers", "disk", "mail")
    ]


def test_no_worker_is_wrong(worker: Worker) -> None:
    worker.delete()
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("doctor", stdout=out)

    assert ended.value.code == 1
    assert "WRONG workers     No worker is alive, so nothing is exported." in out.getvalue()


@pytest.mark.parametrize(
    ("column", "setting"),
    [
        ("secret_key_mark", "SECRET_KEY"),
        ("encryption_keys_mark", "CWEXPORT_ENCRYPTION_KEYS"),
    ],
)
def test_host_with_other_keys_is_named(column: str, setting: str, settings: Any) -> None:
    far_away(**{column: OTHER_MARK})

    sentence = told(State.WRONG, "keys")
    assert sentence.startswith(f"far-away has another {setting} than this host.")
    assert settings.SECRET_KEY not in sentence


def test_marks_tell_no_key(worker: Worker, settings: Any) -> None:
    marks = {worker.secret_key_mark, worker.encryption_keys_mark}

    assert len(marks) == 2
    for mark in marks:
        assert len(mark) == 16
        assert mark not in settings.SECRET_KEY + "".join(settings.CWEXPORT_ENCRYPTION_KEYS)
    settings.SECRET_KEY = settings.SECRET_KEY[::-1]
    Worker.objects.see("after a change", 3)
    assert Worker.objects.get(process_id=3).secret_key_mark not in marks


def test_key_that_opens_nothing_is_wrong(make_task: Callable[..., Task]) -> None:
    name = make_task().connection.name
    Connection.objects.update(private_key_token="gAAAAAnothing")

    assert f"the one these connections were saved with: {name}." in told(State.WRONG, "keys")


def test_worker_of_another_version_is_named() -> None:
    far_away(version="0.0.9")

    assert "A worker on far-away is of version 0.0.9" in told(State.NOTICE, "workers")
    far_away(version="", secret_key_mark="", encryption_keys_mark="")
    assert "A worker on far-away is of an earlier version" in told(State.NOTICE, "workers")
    assert told(State.WRONG, "keys") == ""


@pytest.mark.parametrize(("seconds", "words"), [(290.0, "ahead of"), (-290.0, "behind")])
def test_wrong_clock_is_named(seconds: float, words: str) -> None:
    far_away(clock_ahead=seconds)

    assert f"The clock of far-away is 290 seconds {words}" in told(State.NOTICE, "clocks")


def test_own_clock_agrees_with_the_database() -> None:
    assert abs(clock_ahead()) < CLOCK_LIMIT


@pytest.mark.usefixtures("signed_in")
def test_home_names_each_host_that_differs_once() -> None:
    far_away(secret_key_mark=OTHER_MARK)
    Worker.objects.see("third", 3)
    Worker.objects.filter(name="third").update(host="far-away", secret_key_mark=OTHER_MARK)

    [notice] = notices()
    assert notice.name == "far-away"
    assert "another SECRET_KEY" in notice.sentence
    assert notice.url.startswith(reverse("help-operators"))


def test_full_disk_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_room, "TOO_LITTLE", 1 << 60)

    assert "make room, or exports fail" in told(State.WRONG, "disk")


def test_mail_server_is_asked(settings: Any) -> None:
    Channel.objects.create(name="Ops", kind="email")
    assert "Ops need it" in told(State.WRONG, "mail")

    settings.CWEXPORT_SMTP_TLS = "none"
    settings.CWEXPORT_SMTP_HOST, settings.CWEXPORT_SMTP_PORT = "127.0.0.1", free_port()
    assert "CWEXPORT_SMTP_HOST" in told(State.WRONG, "mail")

    with mail_sink() as sink:
        settings.CWEXPORT_SMTP_PORT = sink.port
        assert told(State.FINE, "mail") == f"127.0.0.1:{sink.port} takes our login."


def test_restored_installation_says_that_it_waits() -> None:
    Installation.objects.mark_restored(timezone.now(), timezone.now())

    assert "Go on from here" in told(State.NOTICE, "migrations")


def test_database_out_of_reach_is_told_as_json(tmp_path: Path) -> None:
    url = f"postgres://nobody@127.0.0.1:{free_port()}/none"
    done = manage("doctor", "--json", folder=tmp_path / "data", DATABASE_URL=url)
    found = json.loads(done.stdout)

    assert (done.returncode, found["ok"]) == (1, False)
    states = {one["part"]: one["state"] for one in found["findings"]}
    assert states == {"database": "wrong", "disk": "fine", "the rest": "wrong"}
    assert "Check DATABASE_URL" in found["findings"][0]["sentence"]


def test_empty_database_and_foreign_folder_and_lost_queue(tmp_path: Path) -> None:
    empty = manage("doctor", folder=tmp_path / "empty")
    assert (empty.returncode, empty.stderr) == (1, "")
    assert "The database is empty. `manage.py migrate`" in empty.stdout

    folder = install(tmp_path / "data")
    (folder / "installation_id").write_text("f" * 32)
    (folder / "runs").mkdir()
    (folder / "runs" / "run-1-1-0123abcd.xml").write_text("<Batches/>")
    queue = f"redis://127.0.0.1:{free_port()}/0"
    done = manage("doctor", folder=folder, CWEXPORT_QUEUE=queue)
    wrong = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("WRONG")]

    assert done.returncode == 1
    assert wrong == ["queue", "files", "workers"]
    assert "manage.py adopt_data_folder" in done.stdout
