"""Loads a configuration file: all of it in one transaction, or nothing."""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from exports.configuration.connections import plan_connections, save_connections
from exports.configuration.plans import Findings, Plan
from exports.configuration.reading import Configuration, Problem
from exports.configuration.tasks import Surroundings, plan_tasks
from exports.models import Task


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
    findings = Findings(problems=list(file.problems))
    connections = plan_connections(file.connections, environment, allowed_variables, findings)
    # Saved before the tasks are planned, as their form chooses among stored connections.
    save_connections(connections.plans)
    around = Surroundings(
        tasks={task.name: task for task in Task.objects.select_for_update()},
        connections=connections.by_name,
        default_connection=connections.default(),
        sets_dates=sets_dates,
    )
    tasks = plan_tasks(file.tasks, around, findings)
    if findings.problems:
        raise ConfigurationError(findings.problems)
    if is_check:
        transaction.set_rollback(True)
    outcomes = (*_outcomes("connection", connections.plans), *_outcomes("task", tasks))
    warnings = sorted(findings.warnings, key=lambda warning: warning.line)
    return Loaded(outcomes, tuple(warnings))


def _outcomes(kind: str, plans: Iterable[Plan[Any]]) -> Iterator[Outcome]:
    for plan in plans:
        yield Outcome(kind, plan.row.name, plan.is_new, tuple(plan.changes))
