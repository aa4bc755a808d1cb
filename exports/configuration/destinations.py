"""The destinations of a configuration file, and which task uses which (rules D1, D2, C5)."""

from collections.abc import Container, Iterable, Mapping
from copy import copy
from typing import Final

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from exports.configuration.connections import readable_variable
from exports.configuration.entries import Entry, Problem
from exports.configuration.known_names import nearest
from exports.configuration.plans import Findings, Plan, check_repeated_names, shown
from exports.delivery.kind import DestinationKind
from exports.delivery.registry import all_kinds, find_kind
from exports.forms.destinations import DestinationForm
from exports.models import Destination, DestinationSecretsError, Task, TaskDestination
from exports.storage.file_names import output_name_error

_REQUIRED: Final = ("name", "kind")


def plan_destinations(
    entries: Iterable[Entry],
    environment: Mapping[str, str],
    allowed: Container[str],
    findings: Findings,
) -> list[Plan[Destination]]:
    """One plan for each entry; valid ones are saved, in the caller's transaction."""
    rows = {row.name: row for row in Destination.objects.select_for_update(no_key=True)}
    plans: list[Plan[Destination]] = []
    for entry in entries:
        row = rows.get(entry.values.get("name", ""))
        plan = Plan(entry, row or Destination(), row is None, findings)
        if not any(other.row.name == entry.values.get("name") for other in plans):
            _plan(plan, environment, allowed)
        plans.append(plan)
    check_repeated_names(
        plans, gettext_noop("%(name)s is the name of the destination on line %(line)s already.")
    )
    return plans


def link_destinations(
    task_plans: Iterable[Plan[Task]], planned: Iterable[Plan[Destination]]
) -> None:
    """Say where the files of tasks go; a task that does not mention it stays as it is."""
    Destination.objects.export_folder()
    rows = {row.name: row for row in Destination.objects.all()}
    # What is wrong with these was reported at their own lines.
    wrong = {plan.entry.values.get("name") for plan in planned} - rows.keys()
    for plan in task_plans:
        if "destinations" not in plan.entry.values or plan.row.pk is None:
            continue
        wanted = [
            use
            for entry in plan.entry.values["destinations"]
            if entry.values.get("destination") not in wrong
            and (use := _use(plan, entry, rows)) is not None
        ]
        before = _described(plan.row.task_destinations.select_related("destination"))
        TaskDestination.replace_all(plan.row, wanted)
        after = _described(wanted)
        if before != after:
            plan.note("destinations", before, after)


def _use(plan: Plan[Task], entry: Entry, rows: Mapping[str, Destination]) -> TaskDestination | None:
    name = entry.values.get("destination", "")
    template = entry.values.get("file_name", "")
    if name not in rows:
        if name:
            unknown = _("There is no destination %(name)s.") % {"name": shown(name)}
            problem = f"{unknown} {nearest(name, list(rows))}"
            plan.findings.problems.append(Problem(entry.line_of("destination"), problem))
        return None
    if template and (sentence := output_name_error(template, plan.row.name)):
        plan.findings.problems.append(Problem(entry.line_of("file_name"), sentence))
    return TaskDestination(
        task=plan.row,
        destination=rows[name],
        name_template=template,
        sends_empty=entry.values.get("sends_empty", False),
    )


def _described(uses: Iterable[TaskDestination]) -> str:
    return ", ".join(sorted(map(_in_words, uses)))


def _in_words(use: TaskDestination) -> str:
    empty = _("empty too") if use.sends_empty else ""
    return " ".join(filter(None, [use.destination.name, use.name_template, empty]))


def _plan(plan: Plan[Destination], environment: Mapping[str, str], allowed: Container[str]) -> None:
    kind = _kind(plan)
    if kind is None:
        return
    secrets = _secrets(plan, kind, environment, allowed)
    before = dict(plan.row.address)
    form = DestinationForm(
        _typed(plan, kind, secrets),
        kind=kind,
        instance=None if plan.is_new else copy(plan.row),
        is_page=False,
    )
    form.is_valid()
    _take_errors(plan, kind, form)
    if plan.wrong_keys or form.errors:
        return
    for key, value in form.address().items():
        if before.get(key) != value:
            plan.note(key, before.get(key, ""), value)
    if secrets and not plan.is_new:
        plan.changes.append(_("secrets: replaced"))
    if plan.is_new or plan.changes:
        form.instance.sign("load_config")
        plan.row = form.store()


def _kind(plan: Plan[Destination]) -> DestinationKind | None:
    name = plan.entry.values.get("kind", plan.row.kind)
    found = find_kind(name)
    if found is None and "kind" in plan.entry.values:
        unknown = _("There is no kind of destination %(kind)s.") % {"kind": shown(name)}
        plan.add_error("kind", f"{unknown} {nearest(name, [kind.code for kind in all_kinds()])}")
    elif found is not None and not plan.is_new and plan.row.kind != found.code:
        message = _("%(destination)s is of the kind %(kind)s: take another name for this one.")
        plan.add_error("kind", message % {"destination": plan.row.name, "kind": plan.row.kind})
        return None
    return found


def _secrets(
    plan: Plan[Destination],
    kind: DestinationKind,
    environment: Mapping[str, str],
    allowed: Container[str],
) -> dict[str, str]:
    """The values of the variables that the entry names; {} when they are the stored ones."""
    found = {}
    for name, variable in plan.entry.values.get("secrets_env", {}).items():
        if name not in kind.secret_names:
            unknown = _("%(key)s is no secret of this kind.") % {"key": shown(name)}
            plan.add_error("secrets_env", f"{unknown} {nearest(name, list(kind.secret_names))}")
        elif readable_variable(plan, "secrets_env", variable, allowed):
            found[name] = environment.get(variable, "").strip()
    given = {name: value for name, value in found.items() if value}
    return {} if given == _stored_secrets(plan.row) and not _is_moved(plan, kind) else given


def _stored_secrets(row: Destination) -> dict[str, str]:
    try:
        return {name: value for name, value in row.read_secrets().items() if value}
    except DestinationSecretsError:
        return {}


def _is_moved(plan: Plan[Destination], kind: DestinationKind) -> bool:
    written: dict[str, str] = plan.entry.values.get("settings", {})
    stored = plan.row.address
    bound = [name for name in kind.bound_names if name in written]
    return any(str(stored.get(name, "")) != written[name] for name in bound)


def _typed(plan: Plan[Destination], kind: DestinationKind, secrets: Mapping[str, str]) -> QueryDict:
    """The entry as form data; what it does not mention stays, or gets its default."""
    typed = QueryDict(mutable=True)
    typed["name"] = plan.entry.values.get("name", plan.row.name)
    written: dict[str, str] = plan.entry.values.get("settings", {})
    for one in kind.fields:
        if one.is_secret:
            typed[one.name] = secrets.get(one.name, "")
        else:
            stored = plan.row.address.get(one.name, one.initial)
            typed[one.name] = str(written.get(one.name, stored)).strip()
    return typed


def _take_errors(plan: Plan[Destination], kind: DestinationKind, form: DestinationForm) -> None:
    known = [one.name for one in kind.fields if not one.is_secret]
    for name in plan.entry.values.get("settings", {}):
        if name not in known:
            unknown = _("%(key)s is no setting of this kind.") % {"key": shown(name)}
            plan.add_error("settings", f"{unknown} {nearest(name, known)}")
    keys = {one.name: "secrets_env" if one.is_secret else "settings" for one in kind.fields}
    for name, sentences in form.errors.items():
        key = keys.get(name, name)
        is_told = plan.entry.is_unreadable(key)
        plan.wrong_keys.add(key)
        if is_told or (name in _REQUIRED and name not in plan.entry.lines):
            continue
        for sentence in sentences:
            plan.add_error(key, f"{name}: {sentence}" if name in keys else sentence)
