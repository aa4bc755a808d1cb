"""The ledger of a task: did a batch go out, in which file?"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema
from pydantic import Field

from exports.api.fields import Id, code
from exports.api.links import links_of
from exports.api.lists import Page, PageQuery, check_query, page_of
from exports.api.problems import ProblemCode, ProblemError
from exports.api.resources.run_fields import RunFile
from exports.api.resources.tasks import found_task
from exports.models import LedgerEntry, Run
from exports.reporting.ledger_search import LedgerSearch
from exports.reporting.ledger_terms import MAX_IDS, Term, TooManyError, read_terms

router = Router(tags=["Ledger"])


class LedgerQuery(PageQuery):
    ids: str = Field(
        max_length=3_000,
        description=f"Batch ids, at most {MAX_IDS}; also ranges of them: `284,290-295`.",
        # What is certainly right; ranges have to run forwards.
        json_schema_extra={"pattern": "^[1-9][0-9]{0,17}(,[1-9][0-9]{0,17}){0,99}$"},
    )


class LedgerFields(Schema):
    """A batch, in one version, in one run's file."""

    id: int
    batch_id: int
    batch_identifier: str | None = Field(description="As people see it in ConnectWise.")
    last_updated: str = Field(description="As ConnectWise sent it.")
    content_hash: str
    run_id: int
    trigger: str = code(Run.Trigger)
    exported_at: datetime | None
    file: RunFile
    run: str | None = Field(description="The run; null once housekeeping has deleted it.")


class LedgerPage(Page):
    items: list[LedgerFields]
    missing: list[int] = Field(description="Those of the ids that never went out.")


@router.get(
    "/{id:id}/ledger", response=LedgerPage, url_name="task-ledger", operation_id="search_ledger"
)
def search_ledger(request: HttpRequest, id: Id, query: Query[LedgerQuery]) -> Any:
    """Every file that a batch went out in, newest first."""
    check_query(request, LedgerQuery)
    task = found_task(id)
    search = LedgerSearch(_terms(query.ids), task=task)
    found = page_of(request, query, search.entries.select_related("run"), _shapes(request))
    missing = dict.fromkeys(number for one in search.found for number in one.missing_ids)
    return {**found, "missing": list(missing)}


def _terms(text: str) -> list[Term]:
    """Ids and ranges as the page takes them; a number means the id alone here."""
    try:
        terms = read_terms(text)
    except TooManyError as error:
        message = _("That is %(count)s batches. Write at most %(most)s at a time.")
        raise _refusal(message % {"count": error.count, "most": error.most}) from None
    wrong = [term.text for term in terms if not term.span]
    if wrong or not terms:
        message = _("Write batch ids or ranges of them, e.g. 284,290-295.")
        raise _refusal(message)
    return [replace(term, identifier="") for term in terms]


def _refusal(message: str) -> ProblemError:
    refused = {"in": "query", "field": "ids", "message": message}
    return ProblemError(ProblemCode.INVALID, message, errors=[refused])


def _shapes(request: HttpRequest) -> Callable[[Sequence[LedgerEntry]], list[dict[str, Any]]]:
    link = links_of(request)
    return lambda entries: [_shape(entry, link) for entry in entries]


def _shape(entry: LedgerEntry, link: Callable[..., str]) -> dict[str, Any]:
    run = entry.run
    same = ("id", "batch_id", "batch_identifier", "last_updated", "content_hash", "run_id")
    return {
        **{name: getattr(entry, name) for name in same},
        "trigger": run.trigger,
        "exported_at": run.finished_at,
        "file": {"name": run.file_name, "size": run.file_size or 0, "sha256": run.file_sha256},
        "run": link("api:run-detail", run.pk) if run.pruned_at is None else None,
    }
