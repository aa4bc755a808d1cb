"""Batch ids as typed, to search the ledger and to export batches again."""

import re
from itertools import chain
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from exports.connectwise.filter.literals import shown
from exports.number_formats import grouped
from exports.outside_numbers import read_id

MOST_IDS = 100
_MOST_EXPANDED = 10_000
# A range, with a hyphen or an en dash; a minus sign before a number is not one.
_SPACED_DASH = re.compile(r"(?<=\d)(?:\s+[-–]\s+|–)(?=#?\d)")


class BatchIdsField(forms.Field):
    """`284`, `#284`, `284, 285; 286` or `290-295`: ids without repeats, in the order typed."""

    def to_python(self, value: Any) -> list[int]:
        text = _SPACED_DASH.sub("-", re.sub("[,;]", " ", value or ""))
        spans = [_span(word) for word in dict.fromkeys(text.split())]
        count, ids = sum(map(len, spans)), list[int]()
        # A far too large range is never expanded.
        if count <= _MOST_EXPANDED:
            ids = list(dict.fromkeys(chain.from_iterable(spans)))
            count = len(ids)
        if count > MOST_IDS:
            message = _("That is %(count)s batches. Write at most %(most)s at a time.")
            raise ValidationError(message % {"count": grouped(count), "most": MOST_IDS})
        return ids


class LedgerSearch(forms.Form):
    """Searches the ledger for batch ids."""

    batch = BatchIdsField(
        label=gettext_lazy("Did this batch go out?"),
        required=False,
        help_text=format_lazy(
            gettext_lazy("Its id, or up to {most} ids, e.g. 284, 290-295."), most=MOST_IDS
        ),
        widget=forms.TextInput(
            attrs={
                "class": "form-control",
                "placeholder": "284, 290-295",
                "autocomplete": "off",
            }
        ),
    )


def _span(word: str) -> range:
    """The ids that one typed number or range stands for. Raises ValidationError."""
    first, dash, last = word.partition("-")
    ends = [end.removeprefix("#") for end in ((first, last) if dash else (first,))]
    if not all(map(_is_id, ends)):
        message = _(
            "%(typed)s is not a batch id. Write the number of the batch, or several, e.g. 284, "
            "290-295."
        )
        raise ValidationError(message % {"typed": shown(word)})
    begin, end = int(ends[0]), int(ends[-1])
    if begin > end:
        message = _("%(typed)s runs backwards. Write the smaller id first: %(right)s.")
        raise ValidationError(message % {"typed": shown(word), "right": f"{end}-{begin}"})
    return range(begin, end + 1)


def _is_id(word: str) -> bool:
    return read_id(word) is not None
