"""Batch ids as people type them: to search the ledger, and to export batches again."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from exports.connectwise.literals import shown

MOST_IDS = 100
_LARGEST = 2**63 - 1


class BatchIdsField(forms.Field):
    """`284` or `284, 285`: ids without repeats, in the order typed."""

    def to_python(self, value: Any) -> list[int]:
        words = (value or "").replace(",", " ").split()
        wrong = next((word for word in words if not _is_id(word)), None)
        if wrong is not None:
            raise ValidationError(
                f"{shown(wrong)} is not a batch id. Write the number of the batch, or several "
                "separated by commas, e.g. 284, 285."
            )
        ids = list(dict.fromkeys(int(word) for word in words))
        if len(ids) > MOST_IDS:
            raise ValidationError(
                f"That is {len(ids):,} batches. Write at most {MOST_IDS} at a time."
            )
        return ids


class LedgerSearch(forms.Form):
    """Did this batch go out?"""

    batch = BatchIdsField(
        label="Did this batch go out?",
        required=False,
        help_text=f"Its id, or up to {MOST_IDS} ids separated by commas.",
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
