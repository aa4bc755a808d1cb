"""What the present lines are about: the run, its task, who asked, by which request (rule I4)."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Final

# In the order in which they are written.
FIELDS: Final = ("run", "task", "user", "request_id")
# A function is called when a line is written: then it may be known who has logged in.
FieldValue = str | int | None | Callable[[], str | int | None]

_fields: ContextVar[Mapping[str, FieldValue]] = ContextVar(
    "log_fields", default=MappingProxyType({})
)


@contextmanager
def log_context(**fields: FieldValue) -> Iterator[None]:
    """Add these fields to every line of the block; threads see them by `copy_context`."""
    token = _fields.set({**_fields.get(), **fields})
    try:
        yield
    finally:
        _fields.reset(token)


def current_fields() -> dict[str, str | int]:
    """Those that have a value now."""
    fields = _fields.get()
    found = {name: _value(fields.get(name)) for name in FIELDS}
    return {name: value for name, value in found.items() if value is not None}


def _value(value: FieldValue) -> str | int | None:
    return value() if callable(value) else value
