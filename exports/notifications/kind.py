"""What a kind of channel is: its form fields, and how a letter gets out through it.

Each module in `exports/notifications/kinds/` declares one as `KIND`; nothing else has to know it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final

from exports.connectwise.language import gettext as _
from exports.connectwise.language import gettext_noop
from exports.kind_modules import FormField
from exports.models import Channel

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise


MESSAGE_ACCEPTED: Final = gettext_noop("Message accepted")


@dataclass(frozen=True)
class Attachment:
    name: str
    content: bytes = field(repr=False)
    mime_type: str = "text/plain"


@dataclass(frozen=True)
class Letter:
    """A message as people read it, in the language of its channel."""

    # The same for each try, so that a receiver can tell one that arrives twice.
    id: str
    code: str
    created_at: str
    subject: str
    # What happened, why, what to do, what happens next: paragraphs of plain text.
    paragraphs: tuple[str, ...]
    # Task, time and the like, in order.
    facts: tuple[tuple[str, str], ...] = ()
    link: str = ""
    link_label: str = ""
    html: str = field(default="", repr=False)
    # For programs, whatever the language.
    data: Mapping[str, Any] = field(default_factory=dict)
    attachments: tuple[Attachment, ...] = ()

    @property
    def text(self) -> str:
        facts = "\n".join(f"{label}: {value}" for label, value in self.facts)
        return "\n\n".join(filter(None, [*self.paragraphs, facts, self.link])) + "\n"


@dataclass(frozen=True)
class Target:
    """A channel as a kind needs it: plain values, with its secrets."""

    name: str
    settings: Mapping[str, Any]
    secrets: Mapping[str, str] = field(repr=False)
    # Asked while the network is waited for: True ends the try.
    is_over: Callable[[], bool] = lambda: False

    @classmethod
    def of(cls, channel: Channel, is_over: Callable[[], bool] = lambda: False) -> "Target":
        """Raises ChannelSecretError."""
        return cls(channel.name, channel.settings, channel.read_secrets(), is_over)


@dataclass(frozen=True)
class TestStep:
    """A step of a test: its name, and once it is over what was found."""

    name: str
    sentence: str = ""
    is_over: bool = False


class ChannelKind(ABC):
    code: ClassVar[str]
    label: ClassVar["StrPromise | str"]
    # One sentence for who chooses among kinds.
    lead: ClassVar["StrPromise | str"]
    fields: ClassVar[tuple[FormField, ...]]
    takes_files: ClassVar[bool] = False

    @abstractmethod
    def where(self, settings: Mapping[str, Any]) -> str:
        """The place for people, without secrets."""

    @abstractmethod
    def send(self, target: Target, letter: Letter) -> str:
        """Send it and return what the other side answered.

        Raises ChannelError, SendingStoppedError.
        """

    def follow(self, target: Target, letter: Letter) -> Iterator[TestStep]:
        """As `send`, in steps: each as it begins, with no sentence, and as it ends."""
        yield TestStep(_(MESSAGE_ACCEPTED))
        yield TestStep(_(MESSAGE_ACCEPTED), self.send(target, letter), is_over=True)

    def preview(self, letter: Letter) -> str:
        """What goes over the wire, for who wants to see it; "" for a mail."""
        return ""

    def unavailable_reason(self) -> str:
        """Why this installation cannot use the kind, and what to do; "" when it can."""
        return ""

    @property
    def secret_names(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.fields if one.is_secret)
