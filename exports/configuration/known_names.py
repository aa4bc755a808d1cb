"""What a name that is not known may have meant."""

import difflib
from typing import Final

from django.utils.translation import gettext as _

# Comparing a misspelt name with each known one takes a while.
_MAX_COMPARED: Final = 200


def nearest(name: str, known: list[str]) -> str:
    """`Did you mean Acme?`, or the names to choose from."""
    lower = {choice.lower(): choice for choice in known[:_MAX_COMPARED]}
    close = difflib.get_close_matches(name.lower(), lower, n=1)
    if close:
        return _("Did you mean %(name)s?") % {"name": lower[close[0]]}
    if known:
        return _("Known: %(names)s.") % {"names": ", ".join(known[:20])}
    return _("There are none yet.")
