"""E-mail: the file attached, below a size (rule D1)."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from email.utils import formataddr, parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils.translation import gettext_lazy

from exports.connectwise.language import gettext as _
from exports.delivery.errors import DeliveryError, DeliveryStoppedError
from exports.delivery.kind import (
    Address,
    Checkpoint,
    DestinationKind,
    FieldError,
    Receipt,
    Session,
    Target,
    TestStep,
)
from exports.delivery.parcel import Parcel
from exports.kind_modules import FormField
from exports.models import Delivery
from exports.models.codes import ChannelErrorCode, DeliveryErrorCode
from exports.notifications.errors import ChannelError, SendingStoppedError
from exports.notifications.kinds.email import read_recipients
from exports.notifications.smtp import MailServer

# Mail servers take 10 to 25 MB, and an attachment grows by a third on its way.
LARGEST = 7_000_000
_CODES = {
    ChannelErrorCode.LOGIN_REFUSED: DeliveryErrorCode.LOGIN_REFUSED,
    ChannelErrorCode.CERTIFICATE: DeliveryErrorCode.CERTIFICATE,
    ChannelErrorCode.REFUSED: DeliveryErrorCode.REJECTED,
}


class MailKind(DestinationKind):
    code = "mail"
    label = gettext_lazy("E-mail")
    lead = gettext_lazy("The file attached to a mail, up to 7 MB, by the installation's server.")
    # Each mail is one of its own.
    replaces = False
    fields = (
        FormField(
            "to",
            gettext_lazy("Recipients"),
            gettext_lazy("One address a line, 20 at most. They see each other."),
            type="lines",
            max_length=4000,
            required_sentence=gettext_lazy("Type an address, e.g. accounting@example.com."),
        ),
    )

    def where(self, address: Address) -> str:
        return ", ".join(str(address["to"]).splitlines())

    def clean(self, values: dict[str, Any]) -> dict[str, Any]:
        try:
            return {**values, "to": read_recipients(values["to"])}
        except ValueError as error:
            raise FieldError("to", str(error)) from error

    def session(
        self, target: Target, checkpoint: Checkpoint, is_over: Callable[[], bool]
    ) -> Session:
        return _MailSession(target, is_over)


class _MailSession(Session):
    def __init__(self, target: Target, is_over: Callable[[], bool]) -> None:
        self._recipients = str(target.address["to"]).splitlines()
        self._is_over = is_over
        self._server: MailServer | None = None

    def steps(self) -> Sequence[TestStep]:
        return (
            TestStep(gettext_lazy("Mail server answers"), self._connect, is_preparation=True),
            TestStep(gettext_lazy("Login"), self._log_in, is_preparation=True),
            TestStep(gettext_lazy("A test mail is taken"), self._send_test),
        )

    def put(self, parcel: Parcel) -> Receipt:
        if parcel.size > LARGEST:
            message = _("The file has %(size)s MB, and 7 MB is the most for a mail.")
            params = {"size": f"{parcel.size / 1e6:.1f}"}
            raise DeliveryError(DeliveryErrorCode.TOO_LARGE, message % params)
        parcel.check_turn()
        with parcel.open() as source:
            content = b"".join(source)
        run = parcel.delivery.run
        mail = self._mail(
            _("%(task)s: %(file)s") % {"task": run.task_name, "file": parcel.file_name},
            _("%(file)s of run %(run)s is attached. SHA-256: %(hash)s")
            % {"file": parcel.file_name, "run": run.pk, "hash": parcel.sha256},
            # The same for each try, so that a mail program can tell a repetition.
            f"delivery-{parcel.delivery.pk}-{parcel.sha256[:16]}",
        )
        mail.attach(parcel.file_name, content, "application/xml")
        self._hand_over(mail)
        return Receipt(f"mailto:{','.join(self._recipients)}", Delivery.Compared.NOTHING)

    def close(self) -> None:
        if self._server is not None:
            with suppress(ChannelError, SendingStoppedError):
                self._server.close()

    def _connect(self) -> str:
        if not settings.CWEXPORT_SMTP_HOST:
            message = _(
                "No mail server is set up: the operator names it in CWEXPORT_SMTP_HOST and the "
                "sender in CWEXPORT_SMTP_FROM."
            )
            raise DeliveryError(DeliveryErrorCode.UNREACHABLE, message)
        self._server = MailServer(self._is_over)
        return self._asked(self._server.connect)

    def _log_in(self) -> str:
        assert self._server is not None  # noqa: S101 - connected in the step before
        return self._asked(self._server.log_in)

    def _send_test(self) -> str:
        text = _("This is a test: files of exports will come to this address.")
        mail = self._mail(_("Test of a destination"), text, "")
        return self._hand_over(mail)

    def _mail(self, subject: str, body: str, number: str) -> EmailMessage:
        name, sender = parseaddr(settings.CWEXPORT_SMTP_FROM)
        domain = sender.rpartition("@")[2]
        headers = {"Auto-Submitted": "auto-generated"}
        if number:
            headers["Message-ID"] = f"<{number}@{domain}>"
        return EmailMessage(
            subject=" ".join(str(subject).split()),
            body=str(body),
            from_email=formataddr((name or "cwexport", sender)),
            to=self._recipients,
            headers=headers,
        )

    def _hand_over(self, mail: EmailMessage) -> str:
        server = self._server
        assert server is not None  # noqa: S101 - connected in a step before
        sender = parseaddr(settings.CWEXPORT_SMTP_FROM)[1]
        content = mail.message().as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        return self._asked(lambda: server.send(sender, self._recipients, content))

    def _asked(self, ask: Callable[[], str]) -> str:
        try:
            return ask()
        except SendingStoppedError:
            raise DeliveryStoppedError from None
        except ChannelError as error:
            if error.is_final:
                # Some have it: another try would send it to them twice.
                raise DeliveryError(DeliveryErrorCode.PARTLY_REFUSED, str(error)) from error
            code = _CODES.get(ChannelErrorCode(error.code), DeliveryErrorCode.UNREACHABLE)
            raise DeliveryError(code, str(error)) from error


KIND = MailKind()
