"""Who is acting: a person in a browser, a program with a token, a command, a worker.

A request has its own actor, set by `exports/middleware/acting.py`; outside of requests the process
is the actor. The audit log asks for it.
"""

import getpass
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy


class ActorKind(TextChoices):
    PERSON = "person", gettext_lazy("Person")
    TOKEN = "token", gettext_lazy("Token")
    COMMAND = "command", gettext_lazy("Command")
    WORKER = "worker", gettext_lazy("Worker")
    ANONYMOUS = "anonymous", gettext_lazy("Not logged in")


@dataclass(frozen=True)
class Actor:
    kind: ActorKind
    # The user name; of a command the operating system's user, of a worker its host.
    name: str = ""
    user_id: int | None = None
    # The name of the token or of the command.
    program: str = ""
    address: str = ""
    request_id: str = ""

    @classmethod
    def of_user(
        cls, user: Any, *, token: str = "", address: str = "", request_id: str = ""
    ) -> "Actor":
        """A logged-in user, with the name of the token that is used, if one is; else anonymous."""
        if not getattr(user, "is_authenticated", False):
            return cls(ActorKind.ANONYMOUS, address=address, request_id=request_id)
        return cls(
            ActorKind.TOKEN if token else ActorKind.PERSON,
            name=user.get_username(),
            user_id=user.pk,
            program=token,
            address=address,
            request_id=request_id,
        )

    @classmethod
    def of_command(cls, command: str) -> "Actor":
        return cls(ActorKind.COMMAND, name=_system_user(), program=command)

    @classmethod
    def of_worker(cls) -> "Actor":
        return cls(ActorKind.WORKER, name=socket.gethostname())


# A function, as the user of a request is only looked up where somebody asks.
_acting: ContextVar[Callable[[], Actor] | None] = ContextVar("acting", default=None)
_process_actor: Actor | None = None


def current_actor() -> Actor:
    find = _acting.get()
    return find() if find else process_actor()


def acting_token_name() -> str:
    """The name of the token by which a program acts in a person's name; "" when none does."""
    actor = current_actor()
    return actor.program if actor.kind == ActorKind.TOKEN else ""


def process_actor() -> Actor:
    """Who acts outside of requests and `acting_as`, in all threads of this process."""
    return _process_actor or Actor(ActorKind.COMMAND, name=_system_user())


def set_process_actor(actor: Actor) -> None:
    """Call it where a process starts."""
    global _process_actor
    _process_actor = actor


@contextmanager
def acting_as(actor: Actor | Callable[[], Actor]) -> Iterator[None]:
    """Within the block, in this thread, `actor` acts."""
    before = _acting.set(actor if callable(actor) else lambda: actor)
    try:
        yield
    finally:
        _acting.reset(before)


def _system_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may run under a number that has no name.
        return ""
