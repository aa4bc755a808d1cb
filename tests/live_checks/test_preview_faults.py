"""A preview with faults or without batches: the same messages as a run, within its time."""

from datetime import UTC, datetime

import pytest
from pytest_django import Settings

from exports.connectwise.filter.conditions import Condition
from exports.demo import answers, faults, wires
from exports.demo.server import StandIn
from exports.live_checks import preview
from exports.models import Task
from tests.conftest import MakeTask, make_connection, run_now, save_task
from tests.live_checks.previewing import INVOICES, preview_of, same_patience, short_limits

__all__ = ["same_patience", "short_limits"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("same_patience")]

NOBODY = Condition("batchIdentifier", "Equal", '"nobody"')

FAULTS = {
    "wrong keys": faults.Status(401),
    "no right": faults.Status(403),
    "refused conditions": faults.Status(400, b'{"message":"field not found"}'),
    "not found": faults.Status(404),
    "throttled for long": faults.Status(429, retry_after="900"),
    "throttled": faults.Status(429),
    "down": faults.Status(503),
    "a login page": faults.Body(faults.LOGIN_PAGE, "text/html"),
    "null": faults.Body(b"null"),
    "an object": faults.Body(b"{}"),
    "nothing at all": faults.Body(b""),
    "a redirect": faults.Redirect("http://127.0.0.1:9/elsewhere"),
    "a cut answer": faults.Sending(wires.cut_body),
    "a reset": faults.Sending(wires.reset),
    "empty lists": faults.Nothing(on=(answers.LIST,)),
    "disorder": faults.Reorder(),
    "an enormous answer": faults.GzipBomb(64),
    "only pages that are long fail": faults.Status(
        500, on=(answers.LIST,), when=lambda request: request.query.get("pageSize") != "1"
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_reported_as_by_the_run(task: Task, stand_in: StandIn, name: str) -> None:
    stand_in.faults.add(FAULTS[name])

    found = preview_of(task)
    run = run_now(task)

    assert run.status == "failed"
    assert found.error == run.error
    assert found.first is None


@pytest.mark.usefixtures("short_limits")
def test_missing_answer_is_reported_as_by_run(task: Task, stand_in: StandIn) -> None:
    stand_in.faults.add(faults.Sending(wires.never_answer))

    assert preview_of(task).error == run_now(task).error != ""


def test_unreachable_server_is_reported_as_by_run(stand_in: StandIn, settings: Settings) -> None:
    gone = save_task(make_connection(stand_in, name="Gone"))
    unknown = make_connection(stand_in, name="Unknown", site="http://nobody.invalid")
    nowhere = save_task(unknown, name="Nowhere", output_file="nowhere.xml")
    stand_in.stop()
    sentences = {task.name: preview_of(task).error for task in (gone, nowhere)}
    assert sentences == {task.name: run_now(task).error for task in (gone, nowhere)}
    assert "refused the connection" in sentences["Nightly batches"]

    settings.CWEXPORT_ALLOWED_NETWORKS = []
    refused = preview_of(gone)
    assert (refused.error, refused.is_error_of_connection) == (run_now(gone).error, True)
    assert "CWEXPORT_ALLOWED_NETWORKS" in refused.error


def test_lost_key_and_forbidden_site_are_sentences(
    task: Task, stand_in: StandIn, settings: Settings
) -> None:
    settings.CWEXPORT_ENCRYPTION_KEYS = ["A" * 43 + "="]
    assert "CWEXPORT_ENCRYPTION_KEYS" in preview_of(task).error

    settings.CWEXPORT_ALLOW_HTTP = False
    assert "use https://" in preview_of(task).error
    assert list(stand_in.requests) == []


def test_unwritable_batch_is_reported_as_by_run(task: Task, stand_in: StandIn) -> None:
    stand_in.store.put({"id": 1, "exportInvoicesFlag": "perhaps"})

    assert preview_of(task).error == run_now(task).error
    assert "Batch 1: exportInvoicesFlag should be true, false or null" in preview_of(task).error


def test_refused_count_is_only_a_warning(task: Task, stand_in: StandIn) -> None:
    stand_in.faults.add(faults.Status(403, on=(answers.COUNT,)))

    found = preview_of(task)
    run = run_now(task)

    logged = set(run.log_entries.filter(level="warning").values_list("message", flat=True))
    assert set(found.warnings) == logged
    assert len(found.warnings) == 1
    assert found.first
    assert len(found.first.rows) == 10
    assert (found.export_count, found.is_all_looked_at) == (None, False)


def test_invalid_conditions_are_a_sentence(task: Task, stand_in: StandIn) -> None:
    task.replace_conditions([Condition("externalId", "Equal", '"a"')])

    assert preview_of(task).error.startswith("externalId cannot be used")
    assert list(stand_in.requests) == []


def test_all_of_it_together_is_bounded(
    task: Task, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "SECONDS_IN_ALL", 0.3)
    stand_in.faults.add(faults.Sending(wires.drip_body(0.05)))

    found = preview_of(task)

    assert found.is_unfinished
    assert found.error.startswith("ConnectWise did not answer everything within 0 seconds")


def test_long_retry_after_is_reported_at_once(
    task: Task, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    stand_in.faults.add(faults.Status(429, retry_after="15"))

    found = preview_of(task)

    assert "ConnectWise answered 429 and asks to wait 15 seconds" in found.error
    assert len(stand_in.requests.lists) == 1


def test_echoed_private_key_is_never_shown(
    stand_in: StandIn,
) -> None:
    private_key = 'pK-"é&<9\\z'
    connection = make_connection(stand_in)
    connection.write_private_key(private_key)
    connection.save()
    stand_in.faults.add(faults.Status(400, private_key.encode(), "text/plain"))

    assert private_key not in repr(preview_of(save_task(connection)))


def test_no_match_differs_from_no_change(make_task: MakeTask, stand_in: StandIn) -> None:
    task = make_task(export="modified")
    task.date_modified = datetime(2030, 1, 1, tzinfo=UTC)

    unchanged = preview.preview(task, [INVOICES], typed_dates=["date_modified"])
    wrong = preview.preview(task, [NOBODY], typed_dates=["date_modified"])
    none_at_all = preview.preview(task, (), typed_dates=["date_modified"])

    flagged = [record for record in stand_in.store.records if record.get("exportInvoicesFlag")]
    assert unchanged.matching_count == len(flagged) > 0
    assert wrong.matching_count == 0
    assert none_at_all.matching_count == len(stand_in.store)
    for found in (unchanged, wrong, none_at_all):
        assert found.preflight
        assert found.preflight.expected_count == 0
        assert found.first
        assert found.first.rows == ()
        assert found.first.xml.endswith(" />\n")


def test_future_date_is_suspicious_as_by_run(make_task: MakeTask, stand_in: StandIn) -> None:
    task = make_task(export="modified", date_modified=datetime(2090, 1, 1, tzinfo=UTC))

    found = preview_of(task)
    run = run_now(task)

    def undated(text: str) -> str:
        return text.split("clock")[0]

    assert run.suspicion
    assert [undated(warning) for warning in found.warnings] == [undated(run.suspicion)]


def test_too_few_batches_are_suspicious(task: Task, stand_in: StandIn) -> None:
    run_now(task)
    for batch_id in stand_in.store.ids[10:]:
        stand_in.store.delete(batch_id)
    fewer = preview_of(task)
    stand_in.store.clear()
    none = preview_of(task)

    [fell] = fewer.warnings
    assert "it shows 10 now" in fell
    assert none.warnings == [
        "ConnectWise shows this API member no batches at all. Check that its security role and "
        "level still let it see them."
    ]


def test_a_count_without_a_list_is_a_fault(task: Task, stand_in: StandIn) -> None:
    task.replace_conditions([INVOICES])
    stand_in.faults.add(
        faults.Nothing(on=(answers.LIST,), when=lambda asked: "conditions" in asked.query)
    )

    error = preview_of(task).error

    assert "matching batches but lists none of them. A run would fail" in error
