"""Connections: which ConnectWise is called, and with which keys (rules C1 to C7)."""

from typing import Any

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.utils.translation import gettext_lazy

from exports import clock
from exports.connectwise.http.credentials import Credentials
from exports.connectwise.http.errors import AuthenticationError
from exports.connectwise.http.sites import Site
from exports.connectwise.language import gettext as _
from exports.models.addresses import read_site
from exports.models.audit import record_action
from exports.models.audit_actions import AuditAction
from exports.models.audited import AuditedModel, recording_changes
from exports.models.codes import ErrorCode, EventCode
from exports.models.edits import EditedModel
from exports.models.events import record_event
from exports.models.secrets import decrypt, encrypt, is_readable
from exports.models.tested import TestedModel, cleaned_steps, worst_of


class SecretUnreadableError(Exception):
    """The private key cannot be decrypted with the keys this installation has."""

    code = ErrorCode.KEY_UNREADABLE


# Changing one of these requires typing the private key again: otherwise a person who may edit a
# connection could send the key to a host of their own (rule C5).
BOUND_TO_KEY = ("site", "company", "public_key")
# A test result is valid only while these stay the same.
_TESTED = (*BOUND_TO_KEY, "private_key_token", "client_id")


class Connection(AuditedModel, EditedModel, TestedModel):
    """A ConnectWise site and the API member that reads its batches."""

    AUDITED_SECRETS = {"private_key_token": "private_key"}

    name = models.CharField(max_length=100, unique=True)
    site = models.CharField(
        max_length=255, help_text=gettext_lazy("Canonical: scheme, host and port.")
    )
    company = models.CharField(max_length=100)
    public_key = models.CharField(max_length=100)
    # A Fernet token. Only the methods below use it, so no form, page or dump shows the key.
    private_key_token = models.TextField(editable=False)
    client_id = models.CharField(max_length=100, blank=True)
    # How many requests a large run sends in parallel.
    parallel_requests = models.PositiveSmallIntegerField(
        default=4, validators=[MinValueValidator(1), MaxValueValidator(8)]
    )
    is_default = models.BooleanField(gettext_lazy("default"), default=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    # Since when ConnectWise refuses the keys (401); null again once a test or a run succeeds.
    key_refused_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"],
                condition=models.Q(is_default=True),
                name="one_default_connection",
            ),
            models.CheckConstraint(
                condition=~models.Q(site="") & ~models.Q(company="") & ~models.Q(public_key=""),
                name="connection_is_complete",
            ),
            models.CheckConstraint(
                condition=models.Q(parallel_requests__range=(1, 8)),
                name="parallel_requests_within_limits",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def write_private_key(self, private_key: str) -> None:
        """Encrypt `private_key` into this row; the caller saves."""
        self.private_key_token = encrypt(private_key)

    def read_private_key(self) -> str:
        """The decrypted private key, only for signing requests.

        Raises SecretUnreadableError when the encryption key is wrong or lost (rule C3).
        """
        try:
            return decrypt(self.private_key_token)
        except InvalidToken:
            raise SecretUnreadableError(
                _(
                    "The private key of connection %(connection)s cannot be decrypted with this "
                    "installation's encryption key. Put back the key it was saved with "
                    "(CWEXPORT_ENCRYPTION_KEYS) or enter the private key again on the connection."
                )
                % {"connection": self.name}
            ) from None

    @property
    def is_key_readable(self) -> bool:
        """Whether this installation's encryption key is one that the private key was saved with."""
        return is_readable(self.private_key_token)

    def rotate_private_key(self) -> None:
        """Encrypt again with the first encryption key. Raises SecretUnreadableError."""
        self.write_private_key(self.read_private_key())
        self.save(update_fields=["private_key_token"])

    def parsed_site(self) -> Site:
        return read_site(self.site)

    def effective_client_id(self) -> str:
        return self.client_id or settings.CONNECTWISE_CLIENT_ID

    def credentials(self) -> Credentials:
        """The credentials that sign requests. Raises SecretUnreadableError."""
        return Credentials(
            company=self.company,
            public_key=self.public_key,
            private_key=self.read_private_key(),
            client_id=self.effective_client_id(),
        )

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save and keep at most one default connection; the first one becomes the default."""
        with transaction.atomic():
            others = Connection.objects.exclude(pk=self.pk).filter(is_default=True)
            if self.is_default:
                now = clock.now()
                others.update(is_default=False, updated_at=now, updated_by=self.updated_by)
            elif self.pk is None and not others.exists():
                self.is_default = True
            super().save(*args, **kwargs)

    def remove(self) -> None:
        """Delete it. Raises ProtectedError while tasks or runs need it (rule C7)."""
        with recording_changes(self):
            self.delete()

    def record_test(self, steps: list[dict[str, str]]) -> None:
        """Store the steps and the time of a test, unless the connection was changed meanwhile."""
        self.last_test_steps = cleaned_steps(steps)
        self.last_tested_at = clock.now()
        record_action(AuditAction.CONNECTION_TESTED, self, {"outcome": [None, worst_of(steps)]})
        self._as_called().update(
            last_test_steps=self.last_test_steps, last_tested_at=self.last_tested_at
        )
        if any(step.get("code") == AuthenticationError.code for step in steps):
            self.mark_key_refused()
        elif all(step["outcome"] != "failed" for step in steps):
            self.mark_key_accepted()

    def mark_key_refused(self) -> None:
        """Record that ConnectWise refuses these keys; the first time is kept until they work."""
        with transaction.atomic():
            open_row = self._as_called().filter(key_refused_at=None)
            if open_row.update(key_refused_at=clock.now()):
                record_event(EventCode.KEY_REFUSED, connection=self)

    def mark_key_accepted(self) -> None:
        with transaction.atomic():
            if self._as_called().exclude(key_refused_at=None).update(key_refused_at=None):
                record_event(EventCode.KEY_ACCEPTED, connection=self)

    def _as_called(self) -> models.QuerySet["Connection"]:
        """This row, or none if a field that requests use was changed since it was read."""
        called_with = {name: getattr(self, name) for name in _TESTED}
        return Connection.objects.filter(pk=self.pk, **called_with)
