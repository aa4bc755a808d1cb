"""Two people edit the same row: compares field by field what was saved since a form was opened.

A form carries, signed, the values it was opened with. The second to save keeps the other person's
value of every field they did not change; if both changed a field, the form asks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.core import signing
from django.utils.translation import gettext as _

from exports.connectwise.filter.literals import shown

OPENED_WITH: Final = "opened_with"
_LIFETIME: Final = timedelta(days=14)
_MAX_SHOWN: Final = 200

Values = Mapping[str, Any]

# The generic exists for the type checker alone.
if TYPE_CHECKING:
    AnyModelForm = forms.ModelForm[Any]
else:
    AnyModelForm = forms.ModelForm


class OpenedWithField(forms.CharField):
    """The values a form was opened with, signed so that they cannot be forged."""

    def __init__(self) -> None:
        super().__init__(required=False, widget=forms.HiddenInput)

    def clean(self, value: Any) -> str:
        # The field is hidden, so an error would not be seen; unsigned values are not compared.
        return ""

    def prepare_value(self, value: Any) -> Any:
        return _signed(value) if isinstance(value, dict) else value


@dataclass(frozen=True)
class FieldChange:
    """What somebody else did to a field: its text before and after, and what was typed here."""

    name: str
    label: str
    before: str
    after: str
    typed: str
    is_conflict: bool

    def notice(self, editor: str) -> str:
        params = {"who": editor or _("Somebody else"), **vars(self)}
        sentence = _("%(who)s changed %(label)s from %(before)s to %(after)s meanwhile.") % params
        return sentence if self.is_conflict else " ".join([sentence, _("That was kept.")])

    def error(self, editor: str) -> str:
        advice = _("You typed %(typed)s. Save again to set that, or type %(after)s to keep it.")
        return f"{self.notice(editor)} {advice % vars(self)}"


class EditedRowForm(AnyModelForm):
    """A form of a stored row that somebody else may save while it is open."""

    opened_with = OpenedWithField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.changes_by_others: list[FieldChange] = []
        self.editor = ""
        self._before = self.stored_values() if self.instance.pk is not None else None
        if self._before is not None and not self.is_bound:
            self.initial[OPENED_WITH] = self._before

    def stored_values(self) -> dict[str, Any]:
        """The stored values of the row's fields, as JSON can hold them."""
        raise NotImplementedError

    def compare_with_stored(self) -> None:
        """Take over what somebody else saved; fields that both changed are refused by `clean`.

        Call it before validation, with the row locked.
        """
        base = _opened_with(self.data)
        if base is None or self._before is None:
            return
        stored, self.editor = self._before, self.instance.updated_by
        self.changes_by_others = [
            self._change(name, base[name], now)
            for name, now in stored.items()
            if name in base and base[name] != now and self.differs(name, now)
        ]
        data = self.data.copy()  # type: ignore[attr-defined]
        for change in self.changes_by_others:
            if not change.is_conflict:
                self.put(data, change.name, stored[change.name])
        # The page now shows these values, so saving once more is deliberate.
        data[OPENED_WITH] = _signed(stored)
        self.data = data

    def sign(self, user: Any) -> None:
        """Record who saves, unless nothing changes."""
        before = self._before
        if before is None or any(self.differs(name, value) for name, value in before.items()):
            self.instance.sign(user.get_username())

    def taken_over(self) -> list[str]:
        """A sentence for each value of somebody else that was kept."""
        kept = (change for change in self.changes_by_others if not change.is_conflict)
        return [change.notice(self.editor) for change in kept]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for change in self.changes_by_others:
            if change.is_conflict:
                self.add_conflict(change.name, change.error(self.editor))
        return cleaned

    def add_conflict(self, name: str, sentence: str) -> None:
        self.add_error(name, sentence)

    def typed(self, name: str) -> Any:
        """The text typed into a field, not validated."""
        return self.fields[name].widget.value_from_datadict(
            self.data, self.files, self.add_prefix(name)
        )

    def differs(self, name: str, value: Any) -> bool:
        """Whether the typed text means a different value."""
        return self.fields[name].has_changed(value, self.typed(name))

    def put(self, data: Any, name: str, value: Any) -> None:
        """Write a stored value into posted data, as a browser would send it."""
        key = self.add_prefix(name)
        if isinstance(self.fields[name], forms.BooleanField) and not value:
            data.pop(key, None)
        else:
            data[key] = "on" if value is True else "" if value is None else str(value)

    def label_of(self, name: str) -> str:
        return str(self.fields[name].label)

    def text_of(self, name: str, value: Any) -> str:
        """A field's value as the page shows it."""
        field = self.fields[name]
        if isinstance(field, forms.BooleanField):
            return _("Yes") if value else _("No")
        if isinstance(field, forms.ChoiceField):
            choices = {str(key): str(label) for key, label in field.widget.choices}
            value = choices.get("" if value is None else str(value), value)
        return str(value) if value not in (None, "") else _("nothing")

    def _change(self, name: str, before: Any, now: Any) -> FieldChange:
        was, is_now, typed = (
            shown(self.text_of(name, value), _MAX_SHOWN)
            for value in (before, now, self.typed(name))
        )
        is_conflict = self.differs(name, before)
        return FieldChange(name, self.label_of(name), was, is_now, typed, is_conflict)


def _signed(values: Values) -> str:
    return signing.dumps(values, salt=OPENED_WITH, compress=True)


def _opened_with(data: Any) -> Values | None:
    """The values a posted form was opened with; None when it has none."""
    try:
        found = signing.loads(data.get(OPENED_WITH, ""), salt=OPENED_WITH, max_age=_LIFETIME)
    except signing.BadSignature:
        return None
    return found if isinstance(found, dict) else None
