"""The form of a connection (rules C1 to C5)."""

import hashlib
import re
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import HTML, Layout
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef
from django.forms import model_to_dict
from django.urls import reverse_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from exports.connectwise.http.addresses import AddressRefusedError
from exports.connectwise.http.sites import SiteError
from exports.forms.edit_conflicts import EditedRowForm
from exports.forms.widget_styles import css_class
from exports.models import Connection, RunSummary
from exports.models.addresses import read_callable_site, read_site
from exports.models.audited import recording_changes
from exports.models.connections import BOUND_TO_KEY
from exports.reporting.task_choices import names_of

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_KEYS_PLACE = gettext_lazy(
    "In ConnectWise: System > Members > API Members, the member's tab API Keys."
)


class ConnectionForm(EditedRowForm):
    """The fields of a connection; the private key goes in and never comes out (C3)."""

    site = forms.CharField(
        label=gettext_lazy("Site"),
        max_length=500,
        help_text=gettext_lazy(
            "The address in your browser when you are logged in to ConnectWise: the host name, for "
            "example na.myconnectwise.net, or the address up to the first ? or #."
        ),
        error_messages={
            "required": gettext_lazy("Type the address you log in to, e.g. na.myconnectwise.net.")
        },
    )
    private_key = forms.CharField(
        label=gettext_lazy("Private Key"),
        max_length=500,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "spellcheck": "false"}),
        error_messages={"required": gettext_lazy("Type the API member's private key.")},
    )

    # Not one of Meta's fields: model validation would see a second default connection, as
    # Connection.save clears the first one only later.
    is_default = forms.BooleanField(
        label=gettext_lazy("Default"),
        required=False,
        help_text=gettext_lazy(
            "New tasks start with this connection. Only one can be the default."
        ),
    )
    field_order = (
        "opened_with",
        "name",
        "site",
        "company",
        "public_key",
        "private_key",
        "client_id",
        "parallel_requests",
        "is_default",
    )

    class Meta:
        model = Connection
        fields = ("name", "site", "company", "public_key", "client_id", "parallel_requests")
        labels = {
            "name": gettext_lazy("Name"),
            "company": gettext_lazy("Company"),
            "public_key": gettext_lazy("Public Key"),
            "client_id": gettext_lazy("Client ID"),
            "parallel_requests": gettext_lazy("Parallel Requests"),
        }
        help_texts = {
            "name": gettext_lazy(
                "What this connection is called here, for example the company's name."
            ),
            "company": gettext_lazy("What you type as Company on the ConnectWise login page."),
            "public_key": _KEYS_PLACE,
            "parallel_requests": gettext_lazy(
                "How many requests a large export keeps in flight, 1 to 8. More is faster, until "
                "ConnectWise slows down whoever asks too often."
            ),
        }
        error_messages = {
            "name": {
                "unique": gettext_lazy(
                    "There is another connection with this name: choose a different one."
                ),
                "required": gettext_lazy("Give the connection a name, e.g. the company's."),
            },
            "company": {
                "required": gettext_lazy("Type the company as on the ConnectWise login page.")
            },
            "public_key": {"required": gettext_lazy("Type the API member's public key.")},
            "parallel_requests": dict.fromkeys(
                ("required", "invalid", "min_value", "max_value"),
                gettext_lazy("Type a whole number from 1 to 8; 4 suits most."),
            ),
            "client_id": {
                "required": gettext_lazy(
                    "ConnectWise answers nobody without a Client ID: register one at "
                    "developer.connectwise.com and type it here."
                )
            },
        }

    def __init__(self, *args: Any, is_page: bool = True, **kwargs: Any) -> None:
        """`is_page`: a refused form goes back to a browser, without the typed key."""
        self._is_page = is_page
        super().__init__(*args, **kwargs)
        # A copy, as validation writes the typed values into the instance.
        watched = (*BOUND_TO_KEY, "client_id")
        self._watched = {name: getattr(self.instance, name) for name in watched}
        self._is_new = self.instance.pk is None
        self.fields["is_default"].initial = self.instance.is_default
        self.fields["private_key"].required = self._is_new
        self.fields["private_key"].help_text = self._private_key_help()
        if tasks := self._tasks_with_runs():
            self.fields["company"].help_text = _(
                "What you type as Company on the ConnectWise login page. With another Site or "
                "Company these tasks would start afresh, as the same ids belong to other batches "
                "there: %(tasks)s."
            ) % {"tasks": tasks}
        self.fields["client_id"].required = not settings.CONNECTWISE_CLIENT_ID
        self.fields["client_id"].help_text = self._client_id_help()
        self.helper = _helper()
        self._prepare_widgets()

    def stored_values(self) -> dict[str, Any]:
        names = (*self.Meta.fields, "is_default")
        # A hash, only to see that the key was replaced; neither the key nor its stored form.
        token = hashlib.sha256(self.instance.private_key_token.encode()).hexdigest()[:16]
        return {**model_to_dict(self.instance, names), "private_key": token}

    def differs(self, name: str, value: Any) -> bool:
        if name == "private_key":
            # The stored key is never shown, so any typed key counts as a different one.
            return bool(self.typed(name))
        if name == "site":
            return bool(_canonical(self.typed(name)) != value)
        return super().differs(name, value)

    def text_of(self, name: str, value: Any) -> str:
        return "" if name == "private_key" else super().text_of(name, value)

    def add_conflict(self, name: str, sentence: str) -> None:
        if name == "private_key":
            sentence = _(
                "%(who)s replaced the private key meanwhile. Type yours again to store it instead, "
                "or leave it blank to keep the new one."
            ) % {"who": self.editor or _("Somebody else")}
        super().add_conflict(name, sentence)

    def full_clean(self) -> None:
        """Validate; a page never sends a typed key back, so any error asks for it again."""
        super().full_clean()
        if not self.is_bound or not self.errors or not self._is_page:
            return
        # Found before asking for the key again: a correct key should not get the focus.
        first = next((name for name in self.fields if name in self.errors), None)
        if self.data.get(self.add_prefix("private_key"), "").strip():
            self._ask_for_the_key_again()
        if first:
            self.fields[first].widget.attrs["autofocus"] = True

    def clean_site(self) -> str:
        """The canonical form of the typed site (C2); refused addresses are errors here (C6)."""
        try:
            site = read_callable_site(self.cleaned_data["site"])
        except (SiteError, AddressRefusedError) as error:
            raise ValidationError(str(error)) from error
        return str(site)

    def clean_name(self) -> str:
        return _visible(self.cleaned_data["name"], _("Name"))

    def clean_company(self) -> str:
        company = _visible(self.cleaned_data["company"], _("Company"))
        if set("+:") & set(company):
            raise ValidationError(
                _("A company holds no + or colon: type it as on the ConnectWise login page.")
            )
        return company

    def clean_public_key(self) -> str:
        public_key = _visible(self.cleaned_data["public_key"], _("Public Key"))
        if ":" in public_key:
            raise ValidationError(
                _("A public key holds no colon: copy it alone, without the other.")
            )
        return public_key

    def clean_private_key(self) -> str:
        return _visible(self.cleaned_data["private_key"], _("Private Key"))

    def clean_client_id(self) -> str:
        client_id = _visible(self.cleaned_data["client_id"], _("Client ID"))
        if not client_id.isascii():
            raise ValidationError(
                _("A Client ID is plain letters, digits and hyphens: copy it anew.")
            )
        return client_id

    def clean(self) -> dict[str, Any]:
        """Ask for the private key again if it would go to another site or another member."""
        cleaned = super().clean() or self.cleaned_data
        changed = self.changed_bound_to_key()
        if changed and not self._is_new and cleaned.get("private_key") == "":
            labels = ", ".join(str(self.fields[name].label) for name in changed)
            message = _(
                "Type the private key too, as these changed: %(labels)s. The stored key only "
                "belongs to what it was saved with."
            )
            self.add_error("private_key", message % {"labels": labels})
        return cleaned

    def changed_bound_to_key(self) -> list[str]:
        """The changed fields after which the private key must be typed again (C5)."""
        valid = (name for name in BOUND_TO_KEY if name in self.cleaned_data)
        return [name for name in valid if self._is_changed(name)]

    def save_for(self, user: Any) -> Connection:
        """Store it; a test result from before the change is removed."""
        connection: Connection = self.save(commit=False)
        self.sign(user)
        connection.is_default = self.cleaned_data["is_default"]
        private_key = self.cleaned_data["private_key"]
        if private_key:
            connection.write_private_key(private_key)
        if private_key or any(map(self._is_changed, self._watched)):
            connection.last_tested_at, connection.last_test_steps = None, []
        # The former default may lose that.
        with recording_changes(connection, Connection.objects.filter(is_default=True)):
            connection.save()
        return connection

    def warnings(self) -> list[str]:
        """What was saved but looks wrong, or has consequences; to be called after saving."""
        found = []
        client_id = self.cleaned_data["client_id"]
        if client_id and not _GUID.fullmatch(client_id):
            message = _(
                "The Client ID of %(connection)s does not look like one "
                "(11111111-2222-3333-4444-555555555555). If the test fails, check it first."
            )
            found.append(message % {"connection": self.instance.name})
        tasks = self._tasks_with_runs()
        if tasks and (self._is_changed("site") or self._is_changed("company")):
            message = _(
                "Site or Company changed. The next runs of these tasks start afresh, as the same "
                "ids belong to other batches there: %(tasks)s. Each task's page says what it will "
                "fetch."
            )
            found.append(message % {"tasks": tasks})
        return found

    def _tasks_with_runs(self) -> str:
        """The names of the tasks whose ledger and dates were built from this connection."""
        if self._is_new:
            return ""
        have_run = Exists(RunSummary.objects.filter(task=OuterRef("pk")))
        return names_of(self.instance.tasks.filter(have_run, archived_at=None))

    def _is_changed(self, name: str) -> bool:
        return bool(self.cleaned_data[name] != self._watched[name])

    def _prepare_widgets(self) -> None:
        for field in self.fields.values():
            field.widget.attrs["class"] = css_class(field.widget)
        as_typed = {"autocapitalize": "off", "autocomplete": "off", "spellcheck": "false"}
        for name in ("site", "company", "public_key", "client_id"):
            self.fields[name].widget.attrs |= as_typed
        self.fields["site"].widget.attrs |= {
            "hx-get": reverse_lazy("connection-address"),
            "hx-trigger": "input changed delay:300ms",
            "hx-target": "#site-address",
        }

    def _ask_for_the_key_again(self) -> None:
        field = self.fields["private_key"]
        if not self._is_new:
            field.help_text = _(
                "Type it again, or leave it blank to keep the stored one. It is never shown."
            )
        if "private_key" not in self.errors:
            message = _(
                "Nothing is wrong with the private key, but it is never sent back to a browser: "
                "please type it once more."
            )
            self.add_error("private_key", message)

    def _private_key_help(self) -> str:
        if self._is_new:
            return _(
                "Shown by ConnectWise once, when the key pair is made. Stored encrypted, never "
                "shown again."
            )
        return _("Leave it blank to keep the stored one. It is never shown.")

    def _client_id_help(self) -> str:
        if settings.CONNECTWISE_CLIENT_ID:
            return _("May be left blank: this installation sets one for all connections.")
        return _(
            "Identifies the integrator, not the company: developer.connectwise.com, Client ID."
        )


def _canonical(typed: Any) -> str:
    """How a typed site would be stored; as typed while it is invalid."""
    try:
        return str(read_site(typed or ""))
    except SiteError:
        return str(typed)


def _visible(text: str, label: str) -> str:
    if not text.isprintable():
        message = _(
            "%(label)s holds invisible characters, as happens when copying: type or copy it anew."
        )
        raise ValidationError(message % {"label": label})
    return text


def _helper() -> FormHelper:
    helper = FormHelper()
    helper.form_tag = False
    helper.field_template = "exports/forms/_field.html"
    helper.layout = Layout(*ConnectionForm.field_order)
    # Right below the site field.
    helper.layout.insert(3, HTML("{% include 'exports/connections/_site.html' %}"))
    return helper
