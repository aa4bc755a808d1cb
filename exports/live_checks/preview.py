"""What the next run of a task would fetch, asked of ConnectWise without running it.

It begins like a run: the same sync window, preflight and first request, and the same error
sentences. Nothing is stored.
"""

import copy
import time
from collections.abc import Collection, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from django.utils.translation import gettext as _

from exports import clock
from exports.connectwise.batch_fields import FIELD_TYPES
from exports.connectwise.filter import conditions, wildcards
from exports.connectwise.filter.conditions import Condition, ConditionError
from exports.connectwise.http.client import ConnectWiseClient, Limits, RetryPolicy
from exports.connectwise.http.errors import (
    AddressBlockedError,
    AuthenticationError,
    CertificateError,
    ConnectWiseError,
    ForbiddenError,
    NotFoundError,
    StoppedError,
    UnreachableError,
)
from exports.connectwise.http.sites import SiteError
from exports.connectwise.http.urls import batches_url
from exports.connectwise.json_numbers import JSONShapeError
from exports.connectwise.paging.keyset import PagingError, new_records
from exports.connectwise.xml.writer import RecordError
from exports.live_checks.connection_steps import Step
from exports.live_checks.preview_steps import PreviewSteps
from exports.live_checks.sample import FirstBatches, first_batches
from exports.models import Connection, Run, SecretUnreadableError, Task
from exports.models.sync_window import CREATED, MODIFIED, SyncWindow, next_window
from exports.number_formats import grouped
from exports.pipeline.clients import make_client
from exports.pipeline.completeness import Counts
from exports.pipeline.known_batches import skip_known
from exports.pipeline.part_writer import Written
from exports.pipeline.preflight import (
    Preflight,
    ask_first,
    count_or_none,
    or_none,
    run_preflight,
)
from exports.pipeline.queries import SerialSubmitter
from exports.pipeline.suspicions import suspicion_about
from exports.storage.run_log import RunLog

SHOWN_COUNT: Final = 10
# A preview runs inside a web request, so its total time is limited. A module variable, so that
# tests can replace it.
SECONDS_IN_ALL = 18.0
LIMITS = Limits(connect=5, read=8, total=12)
# A wait that a person hardly notices; when ConnectWise asks for a longer one, the page says so.
RETRY = RetryPolicy(tries=2, min_wait=0.5, max_wait=1, throttled_wait=1, max_retry_after=2)

_DATES: Final = {Task.Export.MODIFIED.value: MODIFIED.value, Task.Export.NEW.value: CREATED.value}
# The next run comes after all existing ones.
_NEWEST: Final = 2**63 - 1
_EXPECTED: Final = (
    ConditionError,
    ConnectWiseError,
    JSONShapeError,
    RecordError,
    SecretUnreadableError,
    SiteError,
    PagingError,
)
_OF_THE_CONNECTION: Final = (
    AddressBlockedError,
    AuthenticationError,
    CertificateError,
    ForbiddenError,
    NotFoundError,
    SecretUnreadableError,
    SiteError,
    UnreachableError,
)


@dataclass
class Preview:
    """What was found out; with an `error`, which a run would fail with, only part of it.

    `is_unfinished` means that ConnectWise was too slow for a preview; a run may still succeed.

    `request` is the filter of the first page and `address` its whole URL. Of the `looked_at_count`
    batches of that page, `skipped_count` were exported before. `preflight` has the counts, None
    when ConnectWise refuses to count, and `first` the first batches that are not skipped.
    `matching_count` ignores dates and ids; it is only asked for when nothing was found. Where that
    is 0, `meant_count` is what the likely wish `meant_in_words` would find.
    """

    in_words: str = ""
    window: SyncWindow | None = None
    preflight: Preflight | None = None
    request: str = ""
    address: str = ""
    looked_at_count: int = 0
    skipped_count: int = 0
    first: FirstBatches | None = None
    matching_count: int | None = None
    meant_in_words: str = ""
    meant_count: int | None = None
    field_warnings: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    error: str = ""
    is_error_of_connection: bool = False
    is_unfinished: bool = False

    @property
    def export_count(self) -> int | None:
        """How many batches the file would have; None while that is unknown."""
        return self.looked_at_count - self.skipped_count if self.is_all_looked_at else None

    @property
    def is_all_looked_at(self) -> bool:
        """Whether the first page held everything, so that the skipped count is exact."""
        return self.preflight is not None and self.preflight.expected_count == self.looked_at_count


def preview(
    task: Task, typed: Sequence[Condition], *, typed_dates: Collection[str] = ()
) -> Preview:
    """The beginning of a run of `task` with the conditions `typed`, if it started now.

    The task may be unsaved, or hold unsaved changes; `typed_dates` are the date fields that saving
    would record as typed. Raises nothing that a run would report.
    """
    found = Preview()
    for _steps in follow_preview(found, task, typed, typed_dates=typed_dates):
        pass
    return found


def follow_preview(
    found: Preview, task: Task, typed: Sequence[Condition], *, typed_dates: Collection[str] = ()
) -> Iterator[list[Step]]:
    """The same, step by step: yields all steps before each request; in the end `found` is whole."""
    try:
        yield from _ask(found, task, typed, typed_dates)
    except StoppedError:
        found.error, found.is_unfinished = _too_slow(), True
    except _EXPECTED as error:
        found.error = str(error)
        found.is_error_of_connection = isinstance(error, _OF_THE_CONNECTION)


def _ask(
    found: Preview, task: Task, typed: Sequence[Condition], typed_dates: Collection[str]
) -> Iterator[list[Step]]:
    deadline = time.monotonic() + SECONDS_IN_ALL
    sent = conditions.render(typed, FIELD_TYPES)
    found.in_words = conditions.in_words(typed, FIELD_TYPES)
    for condition in typed:
        found.field_warnings += conditions.warnings_for(condition, FIELD_TYPES)
        found.field_warnings += filter(None, [wildcards.wildcard_warning(condition)])
    found.window = _window(task, sent, typed_dates)
    run = _next_run(task, sent, found.window)
    log = _Notes(found.warnings)
    with _client(task.connection, deadline) as client:
        steps = PreviewSteps()
        preflight = yield from _preflight(run, client, log, steps)
        found.preflight = preflight
        found.request = preflight.filter(conditions.id_above(preflight.after_id))
        found.address = batches_url(client.site, found.request, run.page_size, "id asc", 1)
        yield steps.begin(_("Read the first page"))
        page = client.batches(found.request, page_size=run.page_size)
        records = new_records(page, preflight.after_id).records
        steps.end_count(len(records))
        if not records:
            yield steps.begin(_("Find out why nothing matches"))
            _look_into_nothing(found, preflight, client, log)
            if found.matching_count == 0:
                _try_what_was_meant(found, typed, client, log)
    kept = [record for record, _version in skip_known(run, records)]
    found.looked_at_count, found.skipped_count = len(records), len(records) - len(kept)
    found.first = first_batches(kept[:SHOWN_COUNT], include_extra_fields=task.include_extra_fields)
    _add_concerns(found, run, preflight, len(records))


def _preflight(
    run: Run, client: ConnectWiseClient, log: RunLog, steps: PreviewSteps
) -> Generator[list[Step], None, Preflight]:
    submitter = SerialSubmitter(client)
    asked = ask_first(submitter)
    yield steps.begin(_("Reach ConnectWise and log in"))
    steps.end_login(asked.newest.result())
    yield steps.begin(_("Count all batches"))
    steps.end_count(or_none(asked.unfiltered, log))
    yield steps.begin(_("Count those that the next run fetches"))
    preflight = run_preflight(run, submitter, log, asked)
    steps.end_count(preflight.expected_count)
    return preflight


def _window(task: Task, sent: str, typed_dates: Collection[str]) -> SyncWindow:
    if _DATES.get(task.export) in typed_dates:
        # A date typed just now was set by no run, like the date of an unsaved task (W5).
        task = copy.copy(task)
        task.pk = None
    return next_window(task, sent, clock.now())


def _next_run(task: Task, sent: str, window: SyncWindow) -> Run:
    """The run that queueing would create, as far as a preview needs it; it is never saved."""
    connection = task.connection
    return Run(
        pk=_NEWEST,
        task=task,
        site=connection.site,
        company=connection.company,
        conditions=sent,
        export=task.export,
        date_created_before=task.date_created,
        date_modified_before=task.date_modified,
        page_size=task.page_size,
        include_extra_fields=task.include_extra_fields,
        modified_after=window.modified_after,
        created_after=window.created_after,
        start_id=window.start_id,
        skips_known=window.skips_known,
        known_from_run=window.known_from_run,
        window_reason=window.reason,
    )


def _client(connection: Connection, deadline: float) -> ConnectWiseClient:
    return make_client(
        connection.parsed_site(),
        connection.credentials(),
        stop=lambda: time.monotonic() > deadline,
        limits=LIMITS,
        retry=RETRY,
    )


def _look_into_nothing(
    found: Preview, preflight: Preflight, client: ConnectWiseClient, log: RunLog
) -> None:
    """Find out whether no batch matches the filter, or just none since the date."""
    if preflight.expected_count:
        raise PagingError(
            _(
                "ConnectWise counts %(count)s matching batches but lists none of them. A run would "
                "fail, since batches would be missing; check the API member's role and level."
            )
            % {"count": grouped(preflight.expected_count)}
        )
    if preflight.conditions and preflight.unfiltered_count:
        found.matching_count = count_or_none(client, preflight.conditions, log)
    else:
        found.matching_count = preflight.unfiltered_count


def _try_what_was_meant(
    found: Preview, typed: Sequence[Condition], client: ConnectWiseClient, log: RunLog
) -> None:
    """Count what Like would find with wildcards, where it has none and nothing matches."""
    if meant := wildcards.likely_meant(typed):
        found.meant_in_words = conditions.in_words(meant, FIELD_TYPES)
        found.meant_count = count_or_none(client, conditions.render(meant, FIELD_TYPES), log)


def _add_concerns(found: Preview, run: Run, preflight: Preflight, fetched_count: int) -> None:
    """Add the warnings that a run with this response would give."""
    seen = Written(fetched_count=fetched_count)
    # A preview counts only once, so what a run finds by counting again is unknown.
    counts = Counts(proven_count=preflight.expected_count, visible_count=preflight.unfiltered_count)
    suspicion = suspicion_about(run, preflight, seen, counts)
    if suspicion:
        found.warnings.append(suspicion.message)
    for batch_id, path in found.first.replaced if found.first else ():
        found.warnings.append(
            _(
                "Batch %(batch)s: %(path)s has a character that XML cannot hold; the file has "
                "U+FFFD (�) in its place."
            )
            % {"batch": batch_id, "path": path}
        )


def _too_slow() -> str:
    return _(
        "ConnectWise did not answer everything within %(seconds)s seconds, so the preview stopped "
        "here. A run has more patience and may well succeed; if ConnectWise stays slow, ask who "
        "runs the server."
    ) % {"seconds": f"{SECONDS_IN_ALL:.0f}"}


class _Notes(RunLog):
    """Collects the warnings that a run would write into its log, instead of storing them."""

    def __init__(self, warnings: list[str]) -> None:
        self._warnings = warnings

    def warning(self, message: str) -> None:
        if message not in self._warnings:
            self._warnings.append(message)
