"""Batch ids as people type them: to search the ledger, and to export batches again."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from exports.connectwise.literals import shown
from exports.wording import grouped

MOST_IDS = 100
_LARGEST = 2**63 - 1


class BatchIdsField(forms.Field):
    """`284` or `284, 285`: ids without repeats, in the order typed."""

    def to_python(self, value: Any) -> list[int]:
        words = (value or "").replace(",", " ").split()
        wrong = next((word for word in words if not _is_id(word)), None)
        if wrong is not None:
            words = _(
                "%(typed)s is not a batch id. Write the number of the batch, or several separated "
                "by commas, e.g. 284, 285."
            )
            raise ValidationError(words % {"typed": shown(wrong)})
        ids = list(dict.fromkeys(int(word) for word in words))
        if len(ids) > MOST_IDS:
            words = _("That is %(count)s batches. Write at most %(most)s at a time.")
            raise ValidationError(words % {"count": grouped(len(ids)), "most": MOST_IDS})
        return ids


class LedgerSearch(forms.Form):
    """Did this batch go out?"""

    batch = BatchIdsField(
        label=gettext_lazy("Did this batch go out?"),
        required=False,
        help_text=format_lazy(
            gettext_lazy("Its id, or up to {most} ids separated by commas."), most=MOST_IDS
        ),
        widget=forms.TextInput(
            attrs={
                "class": "form-control",
                "inputmode": "numeric",
                "placeholder": "284, 285",
                "autocomplete": "off",
            }
        ),
    )


def _is_id(word: str) -> bool:
    return word.isascii() and word.isdecimal() and len(word) < 20 and 0 < int(word) <= _LARGEST
