"""The schedules of a configuration file, compared with the stored ones (rules S1, S5, S8).

A schedule has no name: an entry is the stored one of its task or workflow with the same cron text
and zone, else, in order, one that no entry has. What the file does not name is left alone.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.translation import gettext as _

from exports.configuration.entries import Entry
from exports.configuration.known_names import nearest
from exports.configuration.plans import Findings, Plan, shown
from exports.forms.schedule_choice import Often
from exports.forms.schedules import ScheduleForm, key_of
from exports.models import Schedule, Task, Workflow
from exports.models.schedules import installation_zone
from exports.schedules.planning import save_planned

SchedulePlan = Plan[Schedule]

# By key of the file: the field of the row.
_FIELDS: Final = {
    "cron": "cron",
    "zone": "zone",
    "catch_up": "catch_up",
    "grace_minutes": "grace_minutes",
    "paused": "is_paused",
}
_KEYS: Final = {**{field: key for key, field in _FIELDS.items()}, "often": "cron"}
_KINDS: Final = ("task", "workflow")
_DEFAULTS: Final = Schedule()


@dataclass
class _Stored:
    """The schedules of one task or workflow that no entry has taken yet."""

    rows: list[Schedule]

    def take(self, cron: str, zone: str | None) -> Schedule | None:
        same = (row for row in self.rows if row.cron == cron and zone in (row.zone, None))
        found = next(same, None)
        if found is not None:
            self.rows.remove(found)
        return found

    def take_next(self) -> Schedule | None:
        return self.rows.pop(0) if self.rows else None


def plan_schedules(
    entries: Iterable[Entry],
    findings: Findings,
    now: datetime,
    *,
    faulty: Mapping[str, set[str | None]],
) -> list[SchedulePlan]:
    """One plan for each entry; valid ones are saved, in the caller's transaction.

    `faulty` names, by kind, what this file describes wrongly: that was reported before.
    """
    targets = {"task": _by_name(Task), "workflow": _by_name(Workflow)}
    chosen = [(entry, _target(entry, targets, findings, faulty)) for entry in entries]
    stored = _stored_of([target for _entry, target in chosen if target is not None])
    rows = _matched(chosen, stored)
    plans = [
        _plan(entry, target, row, findings)
        for (entry, target), row in zip(chosen, rows, strict=True)
        if target is not None
    ]
    for plan in plans:
        if not plan.wrong_keys and (plan.is_new or plan.changes):
            plan.row.sign("load_config")
            save_planned(plan.row, now)
    _warn_of_others(plans, stored)
    return plans


def _by_name(model: type[Task] | type[Workflow]) -> dict[str, Task | Workflow]:
    return {row.name: row for row in model._default_manager.filter(archived_at=None)}


def _target(
    entry: Entry,
    targets: Mapping[str, Mapping[str, Task | Workflow]],
    findings: Findings,
    faulty: Mapping[str, set[str | None]],
) -> Task | Workflow | None:
    """What the entry runs; None when that was, or is now, reported."""
    plan = Plan(entry, Schedule(), True, findings)
    named = [kind for kind in _KINDS if kind in entry.lines]
    if len(named) != 1:
        message = _("A schedule names what it runs: write either task: or workflow:.")
        plan.add_error(named[-1] if named else "task", message)
        return None
    kind = named[0]
    name = entry.values.get(kind)
    found = targets[kind].get(name or "")
    if found is None and name is not None and name not in faulty.get(kind, ()):
        unknown = {
            "task": _("There is no task %(name)s."),
            "workflow": _("There is no workflow %(name)s."),
        }[kind]
        hint = nearest(name, list(targets[kind]))
        plan.add_error(kind, f"{unknown % {'name': shown(name)}} {hint}")
    return found


def _stored_of(targets: Iterable[Task | Workflow]) -> dict[Task | Workflow, _Stored]:
    stored: dict[Task | Workflow, _Stored] = defaultdict(lambda: _Stored([]))
    for target in set(targets):
        rows = target.schedules.filter(deleted_at=None).select_for_update(no_key=True)
        stored[target] = _Stored(list(rows.order_by("id")))
    return stored


def _matched(
    chosen: list[tuple[Entry, Task | Workflow | None]], stored: Mapping[Task | Workflow, _Stored]
) -> list[Schedule | None]:
    """The stored schedule of each entry; the same times first, then in order."""
    rows: list[Schedule | None] = []
    for entry, target in chosen:
        text = " ".join(str(entry.values.get("cron", "")).upper().split())
        zone = entry.values.get("zone", installation_zone())
        rows.append(stored[target].take(text, zone) if target is not None else None)
    return [
        row or (stored[target].take_next() if target is not None else None)
        for (_entry, target), row in zip(chosen, rows, strict=True)
    ]


def _plan(
    entry: Entry, target: Task | Workflow, row: Schedule | None, findings: Findings
) -> SchedulePlan:
    new = Schedule(task=target) if isinstance(target, Task) else Schedule(workflow=target)
    plan = Plan(entry, row or new, row is None, findings)
    form = ScheduleForm(_typed(plan), instance=None if plan.is_new else copy(plan.row))
    form.is_valid()
    _take_errors(plan, form)
    for key, name in _FIELDS.items():
        if name in form.cleaned_data:
            plan.change(key, name, form.cleaned_data[name])
    return plan


def _typed(plan: SchedulePlan) -> dict[str, str]:
    """The entry as form data; what it does not mention gets its default, a pause stays."""
    values, row = plan.entry.values, plan.row
    typed = {
        "target": key_of(row),
        "often": Often.TEXT.value,
        "cron": values.get("cron", ""),
        "zone": values.get("zone", installation_zone()),
        "catch_up": values.get("catch_up", _DEFAULTS.catch_up),
        "grace_minutes": values.get("grace_minutes", str(_DEFAULTS.grace_minutes)),
    }
    return typed | ({"is_paused": "on"} if values.get("paused", row.is_paused) else {})


def _take_errors(plan: SchedulePlan, form: ScheduleForm) -> None:
    for name, sentences in form.errors.items():
        key = _KEYS.get(name, name)
        is_reported = plan.entry.is_unreadable(key) or (
            key == "cron" and "cron" not in plan.entry.lines
        )
        plan.wrong_keys.add(key)
        for sentence in () if is_reported else sentences:
            plan.add_error(key, sentence)


def _warn_of_others(
    plans: Iterable[SchedulePlan], stored: Mapping[Task | Workflow, _Stored]
) -> None:
    """Say which schedules of these tasks go on although the file does not name them."""
    for plan in {plan.row.target: plan for plan in plans}.values():
        for row in stored[plan.row.target].rows:
            message = _(
                "%(name)s also has the schedule %(cron)s (%(zone)s), which this file does not "
                "name; it was left alone."
            )
            params = {"name": plan.row.target.name, "cron": row.cron, "zone": row.zone}
            plan.warn("cron", message % params)
