"""Loads a configuration file: all of it in one transaction, or nothing."""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from exports import clock
from exports.configuration.channels import link_tasks, plan_channels
from exports.configuration.connections import plan_connections, save_connections
from exports.configuration.destinations import link_destinations, plan_destinations
from exports.configuration.entries import Entry, Problem
from exports.configuration.plans import Findings, Plan
from exports.configuration.reading import Configuration
from exports.configuration.schedules import plan_schedules
from exports.configuration.tasks import Surroundings, plan_tasks
from exports.configuration.workflows import plan_workflows
from exports.models import (
    Channel,
    Connection,
    Destination,
    Schedule,
    Task,
    Workflow,
    recording_changes,
)


class ConfigurationError(ValueError):
    """A file that was not loaded; `problems` lists everything wrong with it, by line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line))
        super().__init__("\n".join(f"{one.line}: {one.sentence}" for one in self.problems))


@dataclass(frozen=True)
class Outcome:
    """What happened to one item: new, changed (`page_size: 100 → 1000`), or unchanged."""

    kind: str
    name: str
    is_new: bool
    changes: tuple[str, ...]


@dataclass(frozen=True)
class Loaded:
    """The outcome of every item in file order, and the warnings."""

    outcomes: tuple[Outcome, ...]
    warnings: tuple[Problem, ...]


@transaction.atomic
def load(
    file: Configuration,
    environment: Mapping[str, str],
    *,
    sets_dates: bool = False,
    is_check: bool = False,
    allowed_variables: Container[str] = (),
) -> Loaded:
    """Create and change what `file` names; other rows are left alone.

    `environment` holds the private keys; `allowed_variables` are read besides those with our
    prefix. A check does everything and rolls it back. Raises ConfigurationError, with nothing
    changed, when any part is wrong.
    """
    with recording_changes(*_rows_named_in(file)):
        loaded = _load(file, environment, sets_dates, allowed_variables)
    if is_check:
        transaction.set_rollback(True)
    return loaded


def _load(
    file: Configuration,
    environment: Mapping[str, str],
    sets_dates: bool,
    allowed_variables: Container[str],
) -> Loaded:
    findings = Findings(problems=list(file.problems))
    connections = plan_connections(file.connections, environment, allowed_variables, findings)
    # Saved before the tasks are planned, as their form chooses among stored connections.
    save_connections(connections.plans)
    channels = plan_channels(file.channels, environment, allowed_variables, findings)
    destinations = plan_destinations(file.destinations, environment, allowed_variables, findings)
    around = Surroundings(
        tasks={task.name: task for task in Task.objects.select_for_update(no_key=True)},
        connections=connections.by_name,
        default_connection=connections.default(),
        sets_dates=sets_dates,
        channels={row.name: row for row in Channel.objects.all()},
    )
    tasks = plan_tasks(file.tasks, around, findings)
    link_tasks(channels, file.tasks)
    link_destinations(tasks, destinations)
    # Planned after them, as their steps name tasks of this file too.
    workflows = plan_workflows(file.workflows, file.tasks, around.channels, findings)
    faulty = {
        "task": {plan.entry.values.get("name") for plan in tasks if plan.wrong_keys},
        "workflow": {plan.entry.values.get("name") for plan in workflows if plan.wrong_keys},
    }
    schedules = plan_schedules(file.schedules, findings, clock.now(), faulty=faulty)
    if findings.problems:
        raise ConfigurationError(findings.problems)
    outcomes = (
        *_outcomes("connection", connections.plans),
        *_outcomes("channel", channels),
        *_outcomes("destination", destinations),
        *_outcomes("task", tasks),
        *_outcomes("workflow", workflows),
        *_outcomes("schedule", schedules),
    )
    warnings = sorted(findings.warnings, key=lambda warning: warning.line)
    return Loaded(outcomes, tuple(warnings))


def _rows_named_in(file: Configuration) -> Iterator[QuerySet[Any]]:
    """What it may change. All connections, as a new default ends that of another."""
    yield Connection.objects.all()
    for model, entries in (
        (Channel, file.channels),
        (Destination, file.destinations),
        (Task, file.tasks),
        (Workflow, file.workflows),
    ):
        yield model._default_manager.filter(name__in=_names(entries, "name"))
    of_task = Q(task__name__in=_names(file.schedules, "task"))
    of_workflow = Q(workflow__name__in=_names(file.schedules, "workflow"))
    yield Schedule.objects.filter(of_task | of_workflow)


def _names(entries: Iterable[Entry], key: str) -> list[str]:
    return [entry.values[key] for entry in entries if isinstance(entry.values.get(key), str)]


def _outcomes(kind: str, plans: Iterable[Plan[Any]]) -> Iterator[Outcome]:
    for plan in plans:
        yield Outcome(kind, plan.row.name, plan.is_new, tuple(plan.changes))
