"""E-mail by the mail server of the settings, as text and HTML, with files."""

import re
from collections.abc import Callable, Iterator, Mapping
from email.utils import formataddr, parseaddr
from typing import Any

from django.conf import settings as installation
from django.core.mail import EmailMultiAlternatives
from django.utils.translation import gettext_lazy

from exports.connectwise.language import gettext as _
from exports.kind_modules import FormField
from exports.models.codes import ChannelErrorCode
from exports.notifications.errors import ChannelError
from exports.notifications.kind import MESSAGE_ACCEPTED, ChannelKind, Letter, Target, TestStep
from exports.notifications.smtp import MailServer

_MAX_RECIPIENTS = 20
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?P<domain>[^@\s]{1,250})")
_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+")


def read_recipients(text: str) -> str:
    """Addresses, one a line. Raises ValueError with a sentence."""
    typed = [part.strip() for part in re.split(r"[,;\n]", text) if part.strip()]
    found = list(dict.fromkeys(_read_address(part) for part in typed))
    if len(found) > _MAX_RECIPIENTS:
        message = _("These are more than %(most)s addresses: use a distribution list.")
        raise ValueError(message % {"most": _MAX_RECIPIENTS})
    return "\n".join(found)


class Email(ChannelKind):
    code = "email"
    label = gettext_lazy("E-mail")
    lead = gettext_lazy("A mail as text and HTML; the only kind that takes logs and files along.")
    takes_files = True
    fields = (
        FormField(
            "to",
            gettext_lazy("Recipients"),
            gettext_lazy("One address a line, 20 at most. They see each other."),
            type="lines",
            max_length=4000,
            required_sentence=gettext_lazy("Type an address, e.g. accounting@example.com."),
            clean=read_recipients,
        ),
    )

    def where(self, settings: Mapping[str, Any]) -> str:
        return ", ".join(str(settings.get("to", "")).split("\n"))

    def unavailable_reason(self) -> str:
        if installation.CWEXPORT_SMTP_HOST:
            return ""
        return _(
            "No mail server is set up: the operator names it in CWEXPORT_SMTP_HOST and the sender "
            "in CWEXPORT_SMTP_FROM."
        )

    def send(self, target: Target, letter: Letter) -> str:
        *_earlier, last = self.follow(target, letter)
        return last.sentence

    def follow(self, target: Target, letter: Letter) -> Iterator[TestStep]:
        if reason := self.unavailable_reason():
            raise ChannelError(ChannelErrorCode.NOT_SET_UP, reason)
        recipients = str(target.settings.get("to", "")).split("\n")
        mail = compose(letter, recipients)
        sender = parseaddr(installation.CWEXPORT_SMTP_FROM)[1]
        server = MailServer(target.is_over)
        steps: tuple[tuple[str, Callable[[], str]], ...] = (
            (_("Mail server answers"), server.connect),
            (_("Login accepted"), server.log_in),
            (_(MESSAGE_ACCEPTED), lambda: server.send(sender, recipients, mail)),
        )
        try:
            for name, do in steps:
                yield TestStep(name)
                yield TestStep(name, do(), is_over=True)
        finally:
            server.close()


def compose(letter: Letter, recipients: list[str]) -> bytes:
    """The mail as it is sent."""
    name, sender = parseaddr(installation.CWEXPORT_SMTP_FROM)
    mail = EmailMultiAlternatives(
        subject=letter.subject,
        body=letter.text,
        from_email=formataddr((name or "cwexport", sender)),
        to=recipients,
        headers={
            "Message-ID": f"<{letter.id}@{sender.rpartition('@')[2]}>",
            # Nobody is answered by a holiday notice.
            "Auto-Submitted": "auto-generated",
            "X-Cwexport-Event": letter.code,
        },
    )
    if letter.html:
        mail.attach_alternative(letter.html, "text/html")
    for attachment in letter.attachments:
        mail.attach(attachment.name, attachment.content, attachment.mime_type)
    return mail.message().as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _read_address(text: str) -> str:
    match = _ADDRESS.fullmatch(text)
    domain = _ascii_domain(match["domain"]) if match else ""
    if not match or not _DOMAIN.fullmatch(domain) or ".." in text or text.startswith("."):
        message = _("%(address)s is no mail address: write it as name@example.com.")
        raise ValueError(message % {"address": f"“{text[:100]}”"})
    return f"{text.rpartition('@')[0]}@{domain}"


def _ascii_domain(domain: str) -> str:
    try:
        return domain.encode("idna").decode().lower()
    except UnicodeError:
        return ""


KIND = Email()
