"""Finds the kinds of destinations: every module in `exports/delivery/kinds/` that has a KIND."""

from exports.connectwise.language import gettext as _
from exports.delivery import kinds
from exports.delivery.errors import DeliveryError
from exports.delivery.kind import DestinationKind
from exports.kind_modules import kinds_in
from exports.models.codes import DeliveryErrorCode


def all_kinds() -> list[DestinationKind]:
    """In the order of their labels."""
    return sorted(kinds_in(kinds).values(), key=lambda kind: str(kind.label))


def kind_of(code: str) -> DestinationKind:
    """Raises DeliveryError for a kind that this version does not have."""
    found = find_kind(code)
    if found is None:
        message = _("This version knows no destination of the kind %(kind)s.")
        raise DeliveryError(DeliveryErrorCode.KIND_UNKNOWN, message % {"kind": code})
    return found


def find_kind(code: str) -> DestinationKind | None:
    return kinds_in(kinds).get(code)
