"""Tags of a task: short names in one text, by which lists are filtered and grouped."""

from collections.abc import Iterable
from typing import Final

from django.db.models import F, Func, Q, Value
from django.db.models.functions import Concat, StrIndex, Substr
from django.utils.translation import gettext as _

MAX_TAGS: Final = 10
MAX_LENGTH: Final = 30
_BETWEEN: Final = ", "
# So many characters are ten of the longest.
MAX_TEXT: Final = MAX_TAGS * MAX_LENGTH + (MAX_TAGS - 1) * len(_BETWEEN)


class TagsError(ValueError):
    """Why what was typed are no tags."""


def tags_in(text: str) -> list[str]:
    """The tags of a stored or typed text, in its order."""
    return [tag for part in text.split(",") if (tag := " ".join(filter(None, part.split(" "))))]


def joined(tags: Iterable[str]) -> str:
    """As they are stored."""
    return _BETWEEN.join(tags)


def read_tags(typed: str, known: Iterable[str] = ()) -> str:
    """The typed tags as they are stored, each once, spelled as it is already. Raises TagsError."""
    spelled = {tag.casefold(): tag for tag in known}
    found: dict[str, str] = {}
    for tag in tags_in(typed):
        found.setdefault(tag.casefold(), spelled.get(tag.casefold(), tag))
    for tag in found.values():
        if not tag.isprintable():
            raise TagsError(
                _("A tag is plain text, e.g. Month end. Remove the invisible characters.")
            )
        if len(tag) > MAX_LENGTH:
            sentence = _(
                "A tag has at most %(most)s characters, “%(tag)s…” has %(count)s: shorten it."
            )
            raise TagsError(sentence % {"most": MAX_LENGTH, "tag": tag[:20], "count": len(tag)})
    if len(found) > MAX_TAGS:
        sentence = _("A task has at most %(most)s tags, these are %(count)s: remove some.")
        raise TagsError(sentence % {"most": MAX_TAGS, "count": len(found)})
    return joined(found.values())


def has_tag(tag: str, field: str = "tags") -> Q:
    """Rows with this tag among theirs."""
    return (
        Q(**{field: tag})
        | Q(**{f"{field}__startswith": f"{tag}{_BETWEEN}"})
        | Q(**{f"{field}__endswith": f"{_BETWEEN}{tag}"})
        | Q(**{f"{field}__contains": f"{_BETWEEN}{tag}{_BETWEEN}"})
    )


def first_tag() -> Func:
    """The first tag of a row, "" for none: what it is grouped under."""
    ends = StrIndex(Concat(F("tags"), Value(",")), Value(","))
    return Substr(F("tags"), 1, ends - 1)
