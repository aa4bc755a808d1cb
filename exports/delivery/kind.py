"""What a kind of destination is: its form fields, its steps of test, and how a file gets there.

Each module in `exports/delivery/kinds/` declares one as `KIND`; nothing else has to know it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from exports.delivery.parcel import Parcel
from exports.kind_modules import FormField
from exports.models import Destination
from exports.models.deliveries import Delivery

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise

Address = Mapping[str, Any]


class FieldError(ValueError):
    """What was typed into a field cannot be used; `str()` says what is right."""

    def __init__(self, field_name: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field_name = field_name


@dataclass(frozen=True)
class Target:
    """A destination as a kind needs it: plain values, with its secrets."""

    name: str
    address: Address
    secrets: Mapping[str, str] = field(repr=False)
    host_key: str = ""
    # The first test pins the host key it is shown.
    may_pin: bool = False

    @classmethod
    def of(cls, destination: Destination, *, may_pin: bool = False) -> "Target":
        """Raises DestinationSecretsError."""
        secrets = destination.read_secrets()
        pinned = destination.host_key
        return cls(destination.name, destination.address, secrets, pinned, may_pin)


@dataclass(frozen=True)
class TestStep:
    """A step of the test: does it, and returns what was found in a sentence."""

    name: "StrPromise | str"
    run: Callable[[], str]
    # Connecting and logging in, which every delivery begins with.
    is_preparation: bool = False


@dataclass(frozen=True)
class Receipt:
    """Where the file is now, and what the other side told about it."""

    location: str
    compared: str = Delivery.Compared.SIZE


class Session(ABC):
    """One conversation with the other side. Methods raise DeliveryError and OSError."""

    # The host key it showed, if it has one.
    host_key: str = ""

    @abstractmethod
    def steps(self) -> Sequence[TestStep]:
        """The test in order; it writes a file, reads its size back and removes it."""

    @abstractmethod
    def put(self, parcel: Parcel) -> Receipt:
        """Deliver; called after the preparing steps. Raises SupersededError too."""

    def prepare(self) -> None:
        """Connect and log in."""
        for step in self.steps():
            if step.is_preparation:
                step.run()

    @abstractmethod
    def close(self) -> None:
        """Hang up; also called after errors."""


# Raises DeliveryStoppedError when it is time to end; called between chunks of a file.
Checkpoint = Callable[[], None]


class DestinationKind(ABC):
    code: ClassVar[str]
    label: ClassVar["StrPromise | str"]
    # One sentence for who chooses among kinds.
    lead: ClassVar["StrPromise | str"]
    fields: ClassVar[tuple[FormField, ...]]
    # A file there is replaced by the next of the same name.
    replaces: ClassVar[bool] = True
    # The form offers to forget the pinned host key.
    has_host_key: ClassVar[bool] = False

    @abstractmethod
    def where(self, address: Address) -> str:
        """The place for people, as sftp://user@host/folder."""

    @abstractmethod
    def session(
        self, target: Target, checkpoint: Checkpoint, is_over: Callable[[], bool]
    ) -> Session:
        """A session that has not connected yet."""

    def clean(self, values: dict[str, Any]) -> dict[str, Any]:
        """The typed values, canonical; secrets that were left blank are absent.

        Raises FieldError.
        """
        return values

    def target_key(self, address: Address) -> str:
        """The same for destinations that would write the same files."""
        return f"{self.code}:{self.where(address)}" if self.replaces else ""

    def sees(self, address: Address, temp_name: str) -> bool:
        """Whether this host can go on with a copy that another may have noted."""
        return True

    def open(
        self, target: Target, checkpoint: Checkpoint, is_over: Callable[[], bool]
    ) -> AbstractContextManager[Session]:
        return _closing(self.session(target, checkpoint, is_over))

    @property
    def secret_names(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.fields if one.is_secret)

    @property
    def bound_names(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.fields if one.is_bound)


@contextmanager
def _closing(session: Session) -> Iterator[Session]:
    try:
        yield session
    finally:
        session.close()
