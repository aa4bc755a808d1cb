"""The initial values of a copied task's form, and the reasons for them."""

from datetime import datetime
from typing import Any, Final

from django.forms import model_to_dict
from django.utils.translation import gettext as _

from exports.forms.dates import DATES
from exports.models import DateChange, Task
from exports.models.name_keys import name_key
from exports.storage.file_names import MAX_LENGTH

_ENDING: Final = ".xml"
_NAME_LENGTH: Final = 100
_DECIDED: Final = (DateChange.Origin.TYPED, DateChange.Origin.FROM_NOW)


def first_values_of_copy(source: Task) -> dict[str, Any]:
    """The settings of `source` under a new name, and the dates a person last set.

    A copy has no ledger, so it starts where `source` would start over: no matching batch is
    skipped, but batches that `source` has exported are exported once more (W9).
    """
    settings = model_to_dict(source, exclude=["id", "archived_at"])
    others = list(Task.objects.values_list("name", "output_file", "archived_at"))
    return {
        **settings,
        "name": _free_name(source.name, {name.casefold() for name, _file, _at in others}),
        "output_file": _free_output_file(
            source.output_file, {name_key(file) for _name, file, at in others if at is None}
        ),
        # A source that is archived was disabled by archiving, not by a person.
        "enabled": source.enabled or source.archived_at is not None,
        **decided_dates(source),
    }


def decided_dates(task: Task) -> dict[str, datetime]:
    """The dates as a person last set them, however far runs have moved them since."""
    decided = task.date_changes.filter(origin__in=_DECIDED, undone_at=None).order_by("id")
    last = dict(decided.values_list("field", "date_after"))
    return {field: last.get(field, getattr(task, field)) for field in DATES}


def _free_name(name: str, taken: set[str]) -> str:
    for number in range(1, len(taken) + 2):
        end = "" if number == 1 else f" ({number})"
        begin = _("Copy of %(task)s") % {"task": name}
        if (free := f"{begin[: _NAME_LENGTH - len(end)]}{end}").casefold() not in taken:
            break
    return free


def _free_output_file(name: str, taken: set[str]) -> str:
    stem = name[: -len(_ENDING)]
    for number in range(1, len(taken) + 2):
        end = f"-copy{_ENDING}" if number == 1 else f"-copy-{number}{_ENDING}"
        if name_key(free := f"{stem[: MAX_LENGTH - len(end)]}{end}") not in taken:
            break
    return free
