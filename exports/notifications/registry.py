"""Finds the kinds of channels: every module in `exports/notifications/kinds/` that has a KIND."""

from exports.connectwise.language import gettext as _
from exports.kind_modules import kinds_in
from exports.models.codes import ChannelErrorCode
from exports.notifications import kinds
from exports.notifications.errors import ChannelError
from exports.notifications.kind import ChannelKind


def all_kinds() -> list[ChannelKind]:
    """In the order of their labels."""
    return sorted(kinds_in(kinds).values(), key=lambda kind: str(kind.label))


def find_kind(code: str) -> ChannelKind | None:
    return kinds_in(kinds).get(code)


def kind_of(code: str) -> ChannelKind:
    """Raises ChannelError for a kind that this version does not have."""
    found = find_kind(code)
    if found is None:
        message = _("This version knows no channel of the kind %(kind)s.")
        raise ChannelError(ChannelErrorCode.KIND_UNKNOWN, message % {"kind": code})
    return found
