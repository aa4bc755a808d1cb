"""The channels of a configuration file, compared with the stored ones (rules N1, N2, C5)."""

from collections.abc import Container, Iterable, Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import Any, Final

from django.conf import settings
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from exports.configuration.connections import readable_variable
from exports.configuration.entries import Entry, Name, Problem
from exports.configuration.known_names import nearest
from exports.configuration.plans import Findings, Plan, check_repeated_names, shown
from exports.forms.channels import CODES, ChannelForm
from exports.models import Channel, ChannelSecretError, Task
from exports.notifications.kind import ChannelKind
from exports.notifications.registry import all_kinds, find_kind

_REQUIRED: Final = ("name", "kind")


@dataclass
class ChannelPlan(Plan[Channel]):
    """A channel's plan; its tasks are linked once those of the file are stored."""

    tasks_before: list[str] = field(default_factory=list)
    was_for_all: bool = True


def plan_channels(
    entries: Iterable[Entry],
    environment: Mapping[str, str],
    allowed: Container[str],
    findings: Findings,
) -> list[ChannelPlan]:
    """One plan for each entry; valid ones are saved, in the caller's transaction."""
    rows = {channel.name: channel for channel in Channel.objects.select_for_update(no_key=True)}
    plans: list[ChannelPlan] = []
    for entry in entries:
        row = rows.get(entry.values.get("name", ""))
        before = list(row.tasks.order_by("name").values_list("name", flat=True)) if row else []
        plan = ChannelPlan(entry, row or Channel(), row is None, findings, tasks_before=before)
        plan.was_for_all = row is None or row.is_for_all
        if not any(other.row.name == entry.values.get("name") for other in plans):
            _plan(plan, environment, allowed)
        plans.append(plan)
    check_repeated_names(
        plans, gettext_noop("%(name)s is the name of the channel on line %(line)s already.")
    )
    return plans


def link_tasks(plans: Iterable[ChannelPlan], task_entries: Iterable[Entry]) -> None:
    """Choose the tasks that the file names; the tasks of the file are stored by now."""
    tasks = {task.name: task for task in Task.objects.filter(archived_at=None)}
    wrong = {entry.values.get("name") for entry in task_entries} - tasks.keys()
    for plan in plans:
        is_named = "tasks" in plan.entry.values
        names: tuple[Name, ...] = plan.entry.values.get("tasks", ())
        for name in names:
            if name.text not in tasks and name.text not in wrong:
                unknown = _("There is no task %(task)s.") % {"task": shown(name.text)}
                problem = f"{unknown} {nearest(name.text, list(tasks))}"
                plan.findings.problems.append(Problem(name.line, problem))
        before = None if plan.was_for_all else plan.tasks_before
        after = sorted({name.text for name in names} & tasks.keys()) or None
        if not is_named:
            after = before
        if after != before:
            plan.note("tasks", ", ".join(before or []), ", ".join(after or []))
        if plan.row.pk is not None:
            plan.row.is_for_all = after is None
            plan.row.save(update_fields=["is_for_all"])
            plan.row.tasks.set(Task.objects.filter(name__in=after or []))


def _plan(plan: ChannelPlan, environment: Mapping[str, str], allowed: Container[str]) -> None:
    kind = _kind(plan)
    if kind is None:
        return
    secrets = _secrets(plan, kind, environment, allowed)
    before = _described(plan, kind)
    form = ChannelForm(kind, _typed(plan, kind, secrets), instance=copy(plan.row), is_page=False)
    form.is_valid()
    _take_errors(plan, kind, form)
    if plan.wrong_keys or form.errors:
        return
    try:
        after = _with_form(before, form, kind)
        is_replaced = any(
            secrets.get(name) and secrets[name] != value
            for name, value in (plan.row.read_secrets() if not plan.is_new else {}).items()
        )
    except ChannelSecretError:
        is_replaced = bool(secrets)
    for key, value in after.items():
        if before.get(key) != value:
            plan.note(key, before.get(key), value)
    if is_replaced and not plan.is_new:
        plan.changes.append(_("secrets: replaced"))
    if plan.is_new or plan.changes:
        form.instance.sign("load_config")
        plan.row = form.store()


def _kind(plan: ChannelPlan) -> ChannelKind | None:
    name = plan.entry.values.get("kind", plan.row.kind)
    found = find_kind(name)
    if found is None:
        if "kind" in plan.entry.values:
            unknown = _("There is no kind of channel %(kind)s.") % {"kind": shown(name)}
            known = nearest(name, [kind.code for kind in all_kinds()])
            plan.add_error("kind", f"{unknown} {known}")
    elif not plan.is_new and plan.row.kind != found.code:
        message = _("%(channel)s is of the kind %(kind)s: take another name for this one.")
        plan.add_error("kind", message % {"channel": plan.row.name, "kind": plan.row.kind})
        return None
    return found


def _secrets(
    plan: ChannelPlan,
    kind: ChannelKind,
    environment: Mapping[str, str],
    allowed: Container[str],
) -> dict[str, str]:
    """The values of the variables that the entry names for its secrets."""
    named: dict[str, str] = plan.entry.values.get("secrets_env", {})
    found = {}
    for name, variable in named.items():
        if name not in kind.secret_names:
            unknown = _("%(key)s is no secret of this kind.") % {"key": shown(name)}
            plan.add_error("secrets_env", f"{unknown} {nearest(name, list(kind.secret_names))}")
        elif readable_variable(plan, "secrets_env", variable, allowed):
            found[name] = environment.get(variable, "").strip()
    return found


def _typed(plan: ChannelPlan, kind: ChannelKind, secrets: Mapping[str, str]) -> QueryDict:
    """The entry as form data; what it does not mention stays, or gets its default."""
    values, row, typed = plan.entry.values, plan.row, QueryDict(mutable=True)
    typed["name"] = values.get("name", row.name)
    spoken = settings.CWEXPORT_LANGUAGE if plan.is_new else row.language
    typed["language"] = values.get("language", spoken)
    if values.get("enabled", row.is_enabled):
        typed["is_enabled"] = "on"
    # The tasks are linked later, when those of the file are stored.
    typed["scope"] = "all"
    stored = [code for code, _label in CODES] if plan.is_new else sorted(row.subscribed_codes())
    named = values.get("events")
    typed.setlist("codes", stored if named is None else [name.text for name in named])
    written: dict[str, str] = values.get("settings", {})
    for one in kind.fields:
        value = secrets.get(one.name, "") if one.is_secret else None
        if value is None:
            value = written.get(one.name, row.settings.get(one.name, ""))
        typed[f"kind_{one.name}"] = value
    return typed


def _take_errors(plan: ChannelPlan, kind: ChannelKind, form: ChannelForm) -> None:
    known = [one.name for one in kind.fields if not one.is_secret]
    for name in plan.entry.values.get("settings", {}):
        if name not in known:
            unknown = _("%(key)s is no setting of this kind.") % {"key": shown(name)}
            plan.add_error("settings", f"{unknown} {nearest(name, known)}")
    keys = {"codes": "events", "is_enabled": "enabled", "scope": "tasks"}
    keys |= {
        f"kind_{one.name}": "secrets_env" if one.is_secret else "settings" for one in kind.fields
    }
    for name, sentences in form.errors.items():
        key = keys.get(name, name)
        is_told = key in plan.wrong_keys or plan.entry.is_unreadable(key)
        plan.wrong_keys.add(key)
        if is_told or (name in _REQUIRED and name not in plan.entry.lines):
            continue
        for sentence in sentences:
            label = name.removeprefix("kind_")
            plan.add_error(key, f"{label}: {sentence}" if name.startswith("kind_") else sentence)


def _described(plan: ChannelPlan, kind: ChannelKind) -> dict[str, Any]:
    row = plan.row
    if plan.is_new:
        return {}
    return {
        "language": row.language,
        "enabled": row.is_enabled,
        "events": ", ".join(sorted(row.subscribed_codes())),
        **{one.name: row.settings.get(one.name, "") for one in kind.fields if not one.is_secret},
    }


def _with_form(before: Mapping[str, Any], form: ChannelForm, kind: ChannelKind) -> dict[str, Any]:
    cleaned = form.cleaned_data
    return {
        **before,
        "language": cleaned["language"],
        "enabled": cleaned["is_enabled"],
        "events": ", ".join(sorted(cleaned["codes"])),
        **{one.name: cleaned[f"kind_{one.name}"] for one in kind.fields if not one.is_secret},
    }
