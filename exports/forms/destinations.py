"""The form of a destination, made of the fields that its kind declares (rule D1)."""

from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from exports.delivery.kind import DestinationKind, FieldError
from exports.forms.declared_fields import declared_field
from exports.forms.edit_conflicts import EditedRowForm
from exports.models import Destination
from exports.models.audited import recording_changes


class DestinationForm(EditedRowForm):
    """Name and address; secrets go in and never come out (C3)."""

    class Meta:
        model = Destination
        fields = ("name",)
        help_texts = {
            "name": gettext_lazy("What this destination is called here, for example Acme's SFTP.")
        }
        error_messages = {
            "name": {
                "required": gettext_lazy("Give the destination a name, e.g. Acme's SFTP."),
                "unique": gettext_lazy(
                    "There is another destination with this name: choose a different one."
                ),
            }
        }

    def __init__(
        self,
        data: Any = None,
        *,
        kind: DestinationKind,
        instance: Destination | None = None,
        is_page: bool = True,
    ) -> None:
        """`is_page`: a refused form goes back to a browser, without the typed secrets."""
        self.kind = kind
        self._is_page = is_page
        row = instance or Destination(kind=kind.code)
        # Copies, as validation writes into the row.
        self._address_before = dict(row.address)
        self._is_new = row.pk is None
        super().__init__(data, instance=row)
        # The export folder is set by the operator.
        declared = () if row.is_export_folder else kind.fields
        for one in declared:
            self.fields[one.name] = declared_field(
                one, row.address.get(one.name, one.initial), is_new=self._is_new
            )
        self._declared = declared
        self.fields["name"].widget.attrs["class"] = "form-control"
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.field_template = "exports/forms/_field.html"
        self.helper.layout = Layout("opened_with", "name", *(one.name for one in declared))

    def stored_values(self) -> dict[str, Any]:
        return {"name": self.instance.name, **self.instance.address}

    def differs(self, name: str, value: Any) -> bool:
        return name in self.fields and super().differs(name, value)

    def full_clean(self) -> None:
        """Validate; a page never sends typed secrets back, so any error asks for them again."""
        super().full_clean()
        if not self.is_bound or not self.errors or not self._is_page:
            return
        for name in self._typed_secrets():
            if name not in self.errors:
                message = _(
                    "Nothing is wrong with it, but it is never sent back to a browser: please type "
                    "it once more."
                )
                self.add_error(name, message)
        first = next((name for name in self.fields if name in self.errors), None)
        if first:
            self.fields[first].widget.attrs["autofocus"] = True

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if self.errors or not self._declared:
            return cleaned
        typed = {one.name: cleaned.get(one.name) for one in self._declared}
        kept = {name: value for name, value in typed.items() if value is not None}
        try:
            checked = self.kind.clean(kept)
        except FieldError as error:
            self.add_error(error.field_name, str(error))
            return cleaned
        cleaned.update(checked)
        self._check_bound(cleaned)
        self._check_target(checked)
        return cleaned

    def save_for(self, user: Any) -> Destination:
        """Store it; a changed place loses its test, and another host its pinned key."""
        self.sign(user)
        with recording_changes(self.instance):
            return self.store()

    def store(self) -> Destination:
        row: Destination = self.save(commit=False)
        if self._declared:
            self._save_address(row)
        row.save()
        return row

    def address(self) -> dict[str, Any]:
        return {
            one.name: self.cleaned_data[one.name] for one in self._declared if not one.is_secret
        }

    def _save_address(self, row: Destination) -> None:
        row.address = self.address()
        row.target_key = self.kind.target_key(row.address)[:800]
        is_moved = self._changed_bound()
        typed = self._typed_secrets()
        if typed:
            # Typed together, replaced together: a forgotten token must not win over a password.
            names = self.kind.secret_names
            row.write_secrets({name: self.cleaned_data[name] for name in names})
        if is_moved and self.kind.has_host_key:
            row.host_key = ""
        if typed or row.address != self._address_before:
            row.last_tested_at, row.last_test_steps = None, []

    def _check_bound(self, cleaned: dict[str, Any]) -> None:
        """Stored secrets must not be sent somewhere else (C5)."""
        changed = self._changed_bound()
        if self._is_new or not self.instance.secrets_token or not changed:
            return
        if not self._typed_secrets() and self.kind.secret_names:
            labels = ", ".join(str(self.fields[name].label) for name in changed)
            message = _(
                "Type the secret too, as these changed: %(labels)s. The stored one only belongs to "
                "what it was saved with."
            )
            self.add_error(self.kind.secret_names[0], message % {"labels": labels})

    def _check_target(self, checked: dict[str, Any]) -> None:
        address = {one.name: checked.get(one.name) for one in self._declared if not one.is_secret}
        key = self.kind.target_key(address)[:800]
        same = Destination.objects.filter(target_key=key).exclude(pk=self.instance.pk)
        if key and (other := same.first()):
            message = _(
                "%(destination)s writes there already. Two destinations with one place would "
                "replace each other's files: use that one."
            )
            self.add_error(self._declared[0].name, message % {"destination": other.name})

    def _changed_bound(self) -> list[str]:
        before = self._address_before
        return [name for name in self.kind.bound_names if before.get(name) != self._now(name)]

    def _now(self, name: str) -> Any:
        return self.cleaned_data.get(name)

    def _typed_secrets(self) -> list[str]:
        names = self.kind.secret_names if self._declared else ()
        return [name for name in names if str(self.data.get(name, "")).strip()]
