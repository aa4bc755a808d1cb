"""A stored message is data: it is shown in the language of the reader's time."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone, translation
from hypothesis import given
from hypothesis import strategies as st

from exports.connectwise.http.errors import ForbiddenError
from exports.connectwise.http.statuses import error_for_status
from exports.connectwise.language import Message, gettext, grouped, joined, message_of, ngettext
from exports.models import Run, RunLogEntry, Task
from exports.models.codes import Activity
from exports.models.message_field import message_from
from exports.models.runs.progress import Waiting
from exports.pipeline import runner
from exports.reporting.run_progress import standing_of
from exports.storage.run_log import RunLog
from tests.screen_fixtures import OWNER

MakeTask = Callable[..., Task]


def _held(task: Task) -> Run:
    run = task.queue_run(Run.Trigger.MANUAL)
    assert run.claim(OWNER)
    return Run.objects.get(pk=run.pk)


@pytest.mark.django_db
def test_error_follows_the_language(make_task: MakeTask) -> None:
    with translation.override("de"):
        run = _held(make_task())
        error = error_for_status(403, step="batches", is_cloud=True, remote_message="No <b>")
        assert isinstance(error, ForbiddenError)
        run.fail(OWNER, message_of(error), code=error.code)
        assert Run.objects.get(pk=run.pk).error == str(error)
        assert "Sicherheitsrolle" in str(error)

    with translation.override("en-gb"):
        failed = Run.objects.get(pk=run.pk)
        assert failed.error.startswith("Reading batches: ConnectWise answered 403 (“No <b>”). The")
        assert failed.error_code == "connectwise.forbidden"


@pytest.mark.django_db
def test_wait_and_log_follow_the_language(make_task: MakeTask) -> None:
    with translation.override("de"):
        run = _held(make_task())
        reason = gettext("ConnectWise asked for it (429)")
        until = timezone.now() + timedelta(seconds=12)
        run.record_wait(OWNER, Waiting(until, 2, 5, reason), "connectwise.throttled")
        RunLog(run).warning(gettext("Cancelled. Nothing was exported and no date moved."))

    with translation.override("en-gb"):
        run = Run.objects.get(pk=run.pk)
        sentence = standing_of(run, until - timedelta(seconds=9), has_worker=True).sentence
        assert sentence == "Waiting 9 s: ConnectWise asked for it (429). Then try 2 of 5."
        assert RunLogEntry.objects.get(run=run).message.startswith("Cancelled. Nothing")


@pytest.mark.django_db
def test_new_activity_ends_the_wait(make_task: MakeTask) -> None:
    run = _held(make_task())
    run.record_wait(OWNER, Waiting(timezone.now(), 2, 5, "busy"), "connectwise.throttled")
    assert Run.objects.get(pk=run.pk).waiting is not None

    run.progress(OWNER, activity=Activity.FETCHING)
    assert Run.objects.get(pk=run.pk).waiting is None


@pytest.mark.django_db
def test_sentences_of_earlier_versions_stay(make_task: MakeTask) -> None:
    run = _held(make_task())
    run.fail(OWNER, "ConnectWise antwortete 403.")
    assert Run.objects.get(pk=run.pk).error == "ConnectWise antwortete 403."


def test_plural_number_and_row_are_restored() -> None:
    tries = ngettext("Tried %(count)s time.", "Tried %(count)s times.", 3) % {"count": 3}
    count = gettext("ConnectWise counts %(count)s") % {"count": grouped(12_345)}
    message = joined([tries, count, "Acme & Co. 50 %"])

    assert message == "Tried 3 times. ConnectWise counts 12,345 Acme & Co. 50 %"
    with translation.override("de"):
        restored = Message.from_data(message.data)
        assert restored == "3 Mal versucht. ConnectWise counts 12.345 Acme & Co. 50 %"


_PARAMS = st.dictionaries(st.sampled_from(["a", "b"]), st.text() | st.integers() | st.none())


@given(params=_PARAMS)
def test_params_survive_storage(params: dict[str, Any]) -> None:
    values = {"a": 1, "b": 2, **params}
    message = gettext("%(a)s – %(b)s") % values
    assert Message.from_data(message.data) == message == f"{values['a']} – {values['b']}"


@pytest.mark.parametrize("stored", ['{"message": ', '{"message": {}}', '{"message": []}', "{}", ""])
def test_unreadable_storage_is_shown_as_it_is(stored: str) -> None:
    assert message_from(stored) == stored


def test_every_expected_error_has_a_code() -> None:
    codes = [kind.code for kind in runner._EXPECTED]
    assert all("." in code for code in codes)
