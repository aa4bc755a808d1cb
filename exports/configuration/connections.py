"""The connections of a configuration file, compared with the stored ones (rules C1, C2, C5)."""

from collections.abc import Container, Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any, Final

from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from exports.configuration.entries import Entry
from exports.configuration.plans import Findings, Plan, check_repeated_names, shown
from exports.forms.connections import ConnectionForm
from exports.models import Connection, SecretUnreadableError

ConnectionPlan = Plan[Connection]

# Fields that get their default when the file does not mention them.
_WITH_DEFAULT: Final = ("client_id", "parallel_requests")
_DEFAULTS: Final = Connection()
_REQUIRED: Final = ("name", "site", "company", "public_key")
_FIELDS: Final = (*_REQUIRED, *_WITH_DEFAULT)
# A file may only name variables with this prefix, unless the operator allows others.
KEY_PREFIX: Final = "CWEXPORT_KEY_"
# The installation's own secrets: no file may send one to a site as a private key.
_NOT_FOR_FILES: Final = (
    "SECRET_KEY",
    "DATABASE_URL",
    "CWEXPORT_ENCRYPTION_KEYS",
    "CWEXPORT_SMTP_PASSWORD",
)


@dataclass(frozen=True)
class PlannedConnections:
    """The plans, and all connections as they will be after the load."""

    plans: list[ConnectionPlan]
    by_name: Mapping[str, Connection]

    def default(self) -> Connection | None:
        rows = list(self.by_name.values())
        marked = [row for row in rows if row.is_default]
        # Without a default, the first new connection becomes the default (rule C1).
        may_become = [
            plan.row
            for plan in self.plans
            if plan.is_new and plan.entry.values.get("default") is not False
        ]
        return next(iter(marked or may_become), None)


def plan_connections(
    entries: Iterable[Entry],
    environment: Mapping[str, str],
    allowed: Container[str],
    findings: Findings,
) -> PlannedConnections:
    """One plan for each entry; nothing is saved.

    `environment` holds the private keys, under names with our prefix or among those `allowed`.
    """
    existing = {row.name: row for row in Connection.objects.select_for_update(no_key=True)}
    plans = [_plan(entry, existing, environment, allowed, findings) for entry in entries]
    check_repeated_names(
        plans, gettext_noop("%(name)s is the name of the connection on line %(line)s already.")
    )
    _plan_default(plans, existing.values())
    return PlannedConnections(plans, existing | {plan.row.name: plan.row for plan in plans})


def save_connections(plans: Iterable[ConnectionPlan]) -> None:
    """Save the valid plans, in the caller's transaction."""
    for plan in plans:
        if plan.wrong_keys:
            continue
        if plan.is_new or plan.changes:
            plan.row.sign("load_config")
            plan.row.save()
        if plan.row.is_default and plan.entry.values.get("default") is False:
            # The first connection becomes the default by itself, but this file says it is not.
            plan.row.is_default = False
            plan.row.save(update_fields=["is_default"])


def _plan(
    entry: Entry,
    existing: Mapping[str, Connection],
    environment: Mapping[str, str],
    allowed: Container[str],
    findings: Findings,
) -> ConnectionPlan:
    row = existing.get(entry.values.get("name", ""))
    plan = Plan(entry, row or Connection(), row is None, findings)
    key = _private_key(plan, environment, allowed)
    form = ConnectionForm(_typed(plan, key), instance=copy(plan.row), is_page=False)
    is_valid = form.is_valid()
    missing = [name for name in _REQUIRED if name not in entry.lines]
    plan.take_errors(form, skipped=["private_key", *missing])
    if "private_key" in form.errors:
        _add_key_error(plan, form, key)
    for name in _FIELDS:
        if name in form.cleaned_data:
            plan.change(name, name, form.cleaned_data[name])
    if key and not _holds(plan.row, key):
        plan.row.write_private_key(key)
        if not plan.is_new:
            plan.changes.append(_("private key: replaced"))
    if plan.changes:
        # A test result from before the change no longer applies.
        plan.row.last_tested_at, plan.row.last_test_steps = None, []
    if is_valid:
        for warning in form.warnings():
            plan.warn("name", warning)
    return plan


def _typed(plan: ConnectionPlan, key: str) -> dict[str, str]:
    """The entry as form data; what it does not mention gets its default or stays."""
    entry, typed = plan.entry, {"private_key": key}
    for name in _FIELDS:
        is_default = name in _WITH_DEFAULT and name not in entry.lines
        stored = getattr(_DEFAULTS if is_default else plan.row, name)
        typed[name] = str(entry.values.get(name, stored))
    return typed


def _private_key(
    plan: ConnectionPlan, environment: Mapping[str, str], allowed: Container[str]
) -> str:
    """The value of the variable that the entry names, if it may be read."""
    variable = plan.entry.values.get("private_key_env", "")
    if readable_variable(plan, "private_key_env", variable, allowed):
        return environment.get(variable, "").strip()
    return ""


def readable_variable(plan: Plan[Any], key: str, variable: str, allowed: Container[str]) -> bool:
    """Whether a file may name this variable as a secret's place; else an error at `key`."""
    if variable in _NOT_FOR_FILES:
        message = _("%(variable)s belongs to this installation: name another.")
        plan.add_error(key, message % {"variable": variable})
        return False
    if variable and not variable.startswith(KEY_PREFIX) and variable not in allowed:
        message = _(
            "%(variable)s is not read: a file only names variables that begin with %(prefix)s, as "
            "it says itself where their content is sent. To read another one, load it with "
            "--allow-variable."
        )
        params = {"variable": shown(variable), "prefix": KEY_PREFIX}
        plan.add_error(key, message % params)
        return False
    return True


def _add_key_error(plan: ConnectionPlan, form: ConnectionForm, key: str) -> None:
    """Report a key error in words that fit a file, as nobody types a key here."""
    entry = plan.entry
    if "private_key_env" in plan.wrong_keys or entry.is_unreadable("private_key_env"):
        return
    if key:
        plan.add_error("private_key_env", " ".join(map(str, form.errors["private_key"])))
        return
    variable = entry.values.get("private_key_env", "")
    message = _missing_key(is_new=plan.is_new, is_named=bool(variable))
    changed = get_text_list(form.changed_bound_to_key(), _("and"))
    plan.add_error("private_key_env", message % {"variable": variable, "keys": changed})


def _missing_key(*, is_new: bool, is_named: bool) -> str:
    """The sentence; %(variable)s and %(keys)s are filled in later."""
    if is_new and is_named:
        return _(
            "Put the private key into the environment variable %(variable)s, because the "
            "connection is new."
        )
    if is_new:
        return _(
            "Name the environment variable that holds the private key, like "
            "private_key_env: CWEXPORT_KEY_ACME, because the connection is new."
        )
    if is_named:
        return _(
            "Put the private key into the environment variable %(variable)s, because %(keys)s "
            "changed."
        )
    return _(
        "Name the environment variable that holds the private key, like "
        "private_key_env: CWEXPORT_KEY_ACME, because %(keys)s changed."
    )


def _holds(row: Connection, key: str) -> bool:
    if not row.private_key_token:
        return False
    try:
        return row.read_private_key() == key
    except SecretUnreadableError:
        return False


def _plan_default(plans: list[ConnectionPlan], existing: Iterable[Connection]) -> None:
    """An unmentioned `default` stays, unless another connection becomes the default."""
    chosen = [plan for plan in plans if plan.entry.values.get("default")]
    for plan in chosen[1:]:
        message = _("Only one connection is the default, and line %(line)s names one.")
        plan.add_error("default", message % {"line": chosen[0].entry.line_of("default")})
    for plan in plans:
        if chosen or "default" in plan.entry.values:
            plan.change("default", "is_default", plan in chosen[:1])
    if chosen:
        # Saving the new default clears the flag of the others in the database; do the same here.
        for row in existing:
            row.is_default = row is chosen[0].row
