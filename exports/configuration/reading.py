"""Reads a configuration file: YAML, the line of every key, and all errors."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from exports.configuration.entries import MAX_PROBLEMS, Entry, NodeError, Problem, read_entry
from exports.configuration.keys import FILE
from exports.configuration.yaml_text import UnreadableError, compose


@dataclass(frozen=True)
class Configuration:
    """The content of a file; `problems` are those found without the database."""

    connections: tuple[Entry, ...] = ()
    tasks: tuple[Entry, ...] = ()
    workflows: tuple[Entry, ...] = ()
    channels: tuple[Entry, ...] = ()
    destinations: tuple[Entry, ...] = ()
    schedules: tuple[Entry, ...] = ()
    problems: tuple[Problem, ...] = ()


def read(content: bytes) -> Configuration:
    """Read a whole file. Errors are collected in `problems`; everything else is still read."""
    problems: list[Problem] = []
    try:
        file = read_entry(compose(content), FILE, problems)
    except UnreadableError as error:
        return Configuration(problems=(Problem(error.line, str(error)),))
    except NodeError as error:
        return Configuration(problems=(Problem(1, error.sentence()),))
    if len(problems) >= MAX_PROBLEMS:
        message = _("There are more than %(count)s errors; what follows was not read.")
        problems.append(Problem(problems[-1].line, message % {"count": MAX_PROBLEMS}))
    return Configuration(
        connections=file.values.get("connections", ()),
        tasks=file.values.get("tasks", ()),
        workflows=file.values.get("workflows", ()),
        channels=file.values.get("channels", ()),
        destinations=file.values.get("destinations", ()),
        schedules=file.values.get("schedules", ()),
        problems=tuple(problems),
    )
