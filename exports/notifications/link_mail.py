"""Mails a one-time link to the person it is for (rule A2)."""

import time
from typing import Final

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from exports import clock
from exports.models import Installation, OneTimeLink
from exports.notifications.kind import Letter, Target
from exports.notifications.registry import kind_of

# The admin waits for it in a web request.
_SECONDS_IN_ALL: Final = 25.0


def can_mail() -> bool:
    """Whether a mail server is set up."""
    return bool(settings.CWEXPORT_SMTP_HOST)


def mail_link(link: OneTimeLink, address: str, url: str) -> None:
    """Send it now. Raises ChannelError, SendingStoppedError.

    Not by the outbox, whose rows are kept: the link would stay readable in one.
    """
    deadline = time.monotonic() + _SECONDS_IN_ALL
    target = Target("", {"to": address}, {}, lambda: time.monotonic() > deadline)
    kind_of("email").send(target, _write(link, url))


def _write(link: OneTimeLink, url: str) -> Letter:
    is_invitation = link.purpose == OneTimeLink.Purpose.INVITATION
    subject = _("Your invitation to cwexport") if is_invitation else _("Your password in cwexport")
    days = OneTimeLink.LIFETIMES[OneTimeLink.Purpose(link.purpose)].days
    paragraphs = (
        _("%(admin)s invites you to cwexport, which exports accounting batches from ConnectWise.")
        if is_invitation
        else _("%(admin)s made this link for you: use it to choose a new password."),
        _(
            "Open the link below and choose a password. It works once, within %(days)s days; if "
            "it no longer works, ask %(admin)s for another."
        )
        if is_invitation
        else _(
            "It works once, within a day; if it no longer works, ask %(admin)s for another. Your "
            "present password stays until then."
        ),
        _("Whoever has this link can use it: do not pass it on."),
    )
    params = {"admin": link.created_by or "cwexport", "days": days}
    letter = Letter(
        id=f"cwexport-{Installation.objects.own_id()[:12]}-link-{link.pk}",
        code=f"link_{link.purpose}",
        created_at=clock.now().isoformat(),
        subject=f"[cwexport] {subject}",
        paragraphs=tuple(paragraph % params for paragraph in paragraphs),
        link=url,
        link_label=_("Choose a password"),
    )
    context = {"letter": letter, "title": subject, "language": translation.get_language()}
    html = render_to_string("exports/messages/mail.html", context)
    return Letter(**{**vars(letter), "html": html})
