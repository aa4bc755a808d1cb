"""What is typed to search the ledger, and batch ids to export again."""

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from exports.connectwise.filter.literals import shown
from exports.number_formats import grouped
from exports.outside_numbers import read_id
from exports.reporting.ledger_search import Days
from exports.reporting.ledger_terms import MAX_IDS, Term, TooManyError, read_terms
from exports.reporting.run_filters import DAY_PROBLEM, DAYS

MAX_REEXPORTED = 100


class BatchIdsField(forms.Field):
    """Ids of batches without repeats, in the order sent."""

    def to_python(self, value: Any) -> list[int]:
        words = list(dict.fromkeys((value or "").split()))
        if len(words) > MAX_REEXPORTED:
            message = _("That is %(count)s batches. Choose at most %(most)s at a time.")
            raise ValidationError(message % {"count": grouped(len(words)), "most": MAX_REEXPORTED})
        return list(map(_batch_id, words))


class TermsField(forms.Field):
    """`284`, `#284`, `290-295`, `BATCH-12`, several of them."""

    def to_python(self, value: Any) -> list[Term]:
        try:
            return read_terms(value or "")
        except TooManyError as error:
            message = _("That is %(count)s batches. Write at most %(most)s at a time.")
            limits = {"count": grouped(error.count), "most": grouped(error.most)}
            raise ValidationError(message % limits) from error


class LedgerSearchForm(forms.Form):
    """Searches the ledger for batches and days."""

    batch = TermsField(
        label=gettext_lazy("Did this batch go out?"),
        required=False,
        help_text=format_lazy(
            gettext_lazy(
                "Its identifier as ConnectWise shows it, or its API id; several and ranges of up "
                "to {most} ids too, e.g. BATCH-12, 284, 290-295."
            ),
            most=grouped(MAX_IDS),
        ),
        widget=forms.TextInput(
            attrs={
                "class": "form-control",
                "placeholder": "BATCH-12, 290-295",
                "autocomplete": "off",
            }
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # "from" is a Python keyword.
        self.fields["from"] = _day_field(gettext_lazy("Went out from"))
        self.fields["to"] = _day_field(gettext_lazy("Went out to"))

    @property
    def terms(self) -> list[Term]:
        terms: list[Term] = self.cleaned_data.get("batch", []) if self.is_valid() else []
        return terms

    @property
    def days(self) -> Days:
        if not self.is_valid():
            return Days()
        first: date | None = self.cleaned_data["from"]
        return Days(first, self.cleaned_data["to"])


def _day_field(label: Any) -> forms.DateField:
    return forms.DateField(
        label=label,
        required=False,
        validators=DAYS,
        widget=forms.DateInput(attrs={"type": "date", "class": "form-control"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), DAY_PROBLEM),
    )


def _batch_id(word: str) -> int:
    number = read_id(word)
    if number is None:
        message = _("%(typed)s is not a batch id. Choose batches of the list.")
        raise ValidationError(message % {"typed": shown(word)})
    return number
