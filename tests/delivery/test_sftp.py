"""Deliveries by SFTP, to a real server that also fails in every way (D1, D3, D4)."""

from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import asyncssh
import pytest
from pytest_django import Settings

from exports.delivery import sftp_connection
from exports.delivery.sending import send_due
from exports.models import Destination, Task
from tests.delivery.deliveries import delivery_of, retry_now
from tests.delivery.destinations import (
    content_of,
    deliver_only_to,
    execute,
    make_destination,
    names_in,
    outcomes,
)
from tests.delivery.sftp_server import PASSWORD, USER, SftpSink

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sink(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[SftpSink]:
    settings.CWEXPORT_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    monkeypatch.setattr(sftp_connection, "_ANSWER_WITHIN", 1.0)
    (tmp_path / "sftp" / "upload").mkdir(parents=True)
    with SftpSink(tmp_path / "sftp").running() as running:
        yield running


@pytest.fixture
def folder(sink: SftpSink) -> Path:
    return sink.root / "upload"


def to(sink: SftpSink, secrets: dict[str, str] | None = None, **changed: object) -> Destination:
    address = {"host": "127.0.0.1", "port": sink.port, "user": USER, "folder": "/upload"}
    return make_destination("sftp", {**address, **changed}, secrets or {"password": PASSWORD})


@pytest.mark.rule("D1")
def test_first_test_pins_the_host_key(sink: SftpSink, folder: Path) -> None:
    destination = to(sink)

    assert outcomes(destination) == ["passed"] * 7
    destination.refresh_from_db()
    public = sink.host_key.export_public_key().decode().split()
    assert destination.host_key.split() == public[:2]
    assert names_in(folder) == []
    assert sink.host_key.get_fingerprint() in destination.last_test_steps[1]["sentence"]


def test_blank_folder_is_the_one_of_the_login(sink: SftpSink) -> None:
    destination = to(sink, folder="")
    outcomes(destination)

    assert "that the login leads to" in destination.last_test_steps[3]["sentence"]


@pytest.mark.rule("D4")
def test_file_arrives_whole_under_its_name(sink: SftpSink, folder: Path, task: Task) -> None:
    destination = to(sink)
    outcomes(destination)
    deliver_only_to(destination, task, "acme-{run}.xml")
    run = execute(task)
    send_due()

    row = delivery_of(run)
    assert names_in(folder) == [f"acme-{run.pk}.xml"]
    assert (folder / f"acme-{run.pk}.xml").read_bytes() == content_of(run)
    assert (row.state, row.compared) == ("delivered", "size")
    assert row.location == f"sftp://{USER}@127.0.0.1:{sink.port}/upload/acme-{run.pk}.xml"


def test_newer_file_replaces_the_older(sink: SftpSink, folder: Path, task: Task) -> None:
    destination = to(sink)
    outcomes(destination)
    deliver_only_to(destination, task)
    execute(task)
    send_due()
    task.include_extra_fields = True
    task.save()
    newer = execute(task)
    send_due()

    assert (folder / "batches.xml").read_bytes() == content_of(newer)
    assert names_in(folder) == ["batches.xml"]


@pytest.mark.rule("D3", "D4")
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("drop", "delivery.unreachable"),
        ("refuse", "delivery.not_permitted"),
        ("full", "delivery.not_written"),
        ("hang", "delivery.unreachable"),
        ("truncate", "delivery.not_as_sent"),
    ],
)
def test_fault_leaves_nothing_half_and_is_made_good(
    sink: SftpSink, folder: Path, task: Task, fault: str, code: str
) -> None:
    destination = to(sink)
    outcomes(destination)
    deliver_only_to(destination, task)
    run = execute(task)
    sink.fault = fault
    send_due()

    row = delivery_of(run)
    assert (run.status, row.state, row.error_code) == ("succeeded", "waiting", code)
    assert not (folder / "batches.xml").exists()
    sink.fault = ""
    retry_now()
    assert delivery_of(run).state == "delivered"
    assert names_in(folder) == ["batches.xml"]
    assert (folder / "batches.xml").read_bytes() == content_of(run)


def test_server_that_is_away_is_tried_again(sink: SftpSink, folder: Path, task: Task) -> None:
    destination = to(sink)
    outcomes(destination)
    deliver_only_to(destination, task)
    run = execute(task)
    sink.stop()
    send_due()
    assert delivery_of(run).error_code == "delivery.unreachable"
    sink.start()
    retry_now()

    assert (folder / "batches.xml").read_bytes() == content_of(run)


@pytest.mark.rule("D1")
def test_changed_host_key_is_told_before_the_login(
    sink: SftpSink, folder: Path, task: Task
) -> None:
    destination = to(sink)
    outcomes(destination)
    deliver_only_to(destination, task)
    before = sink.login_count
    sink.stop()
    sink.host_key = asyncssh.generate_private_key("ssh-ed25519")
    sink.start()
    run = execute(task)
    send_due()

    assert delivery_of(run).error_code == "delivery.host_key_changed"
    assert sink.host_key.get_fingerprint() in delivery_of(run).error
    assert sink.login_count == before
    destination.refresh_from_db()
    assert outcomes(destination)[:3] == ["passed", "failed", "skipped"]
    destination.forget_host_key()
    destination.refresh_from_db()
    assert outcomes(destination) == ["passed"] * 7
    send_due()
    assert (folder / "batches.xml").read_bytes() == content_of(run)


def test_host_key_of_another_type_counts_as_changed(sink: SftpSink) -> None:
    destination = to(sink)
    outcomes(destination)
    destination.refresh_from_db()
    sink.stop()
    sink.host_key = asyncssh.generate_private_key("ecdsa-sha2-nistp256")
    sink.start()

    steps = outcomes(destination)
    destination.refresh_from_db()
    assert "failed" in steps
    codes = [step["code"] for step in destination.last_test_steps]
    assert "delivery.host_key_changed" in codes


def test_untested_destination_gets_no_file(sink: SftpSink, folder: Path, task: Task) -> None:
    deliver_only_to(to(sink), task)
    run = execute(task)
    send_due()

    assert delivery_of(run).error_code == "delivery.host_key_unknown"
    assert sink.login_count == 0


def test_key_logs_in_without_a_password(sink: SftpSink, folder: Path, task: Task) -> None:
    key = sink.client_key.export_private_key("openssh", passphrase="for the key").decode()
    destination = to(sink, {"private_key": key, "password": "for the key"})

    assert outcomes(destination) == ["passed"] * 7


@pytest.mark.parametrize(
    ("secrets", "changed", "failed", "code"),
    [
        ({"password": "wrong-password-1"}, {}, 2, "delivery.login_refused"),
        ({}, {"folder": "/nowhere"}, 3, "delivery.folder_missing"),
    ],
)
def test_wrong_settings_fail_at_their_step(
    sink: SftpSink, secrets: dict[str, str], changed: dict[str, str], failed: int, code: str
) -> None:
    destination = to(sink, secrets, **changed)
    outcomes(destination)
    step = destination.last_test_steps[failed]

    assert (step["outcome"], step["code"]) == ("failed", code)
    assert "wrong-password-1" not in str(destination.last_test_steps)


@pytest.mark.rule("C6")
def test_private_address_is_not_called(sink: SftpSink, settings: Settings) -> None:
    destination = to(sink)
    settings.CWEXPORT_ALLOWED_NETWORKS = []
    outcomes(destination)

    assert destination.last_test_steps[0]["code"] == "delivery.address_blocked"


def test_stop_ends_a_hanging_upload_at_once(sink: SftpSink, task: Task) -> None:
    destination = to(sink)
    outcomes(destination)
    deliver_only_to(destination, task)
    run = execute(task)
    sink.fault = "hang"
    row = delivery_of(run)
    asked = []

    def is_over() -> bool:
        asked.append(1)
        return len(asked) > 12

    assert row.take("stopping")
    from exports.delivery.sending import send

    send(row, is_over)
    row.refresh_from_db()
    assert (row.state, row.error_code) == ("waiting", "")


def test_renamed_file_is_not_sent_again(sink: SftpSink, folder: Path, task: Task) -> None:
    destination = to(sink)
    outcomes(destination)
    deliver_only_to(destination, task)
    run = execute(task)
    row = delivery_of(run)
    assert row.take("killed after the rename")
    row.note_temp_name(".cwexport-gone.part")
    retry_now()

    assert delivery_of(run).state == "delivered"
    assert names_in(folder) == []
