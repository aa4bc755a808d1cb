"""What goes wrong with a mail server, in sentences that say who corrects what."""

import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.conf import settings

from exports.connectwise.http.errors import CertificateError as UnusableCAFileError
from exports.connectwise.http.redaction import Redactor
from exports.connectwise.http.remote_text import clean_text
from exports.connectwise.http.sockets import DeadlineError, StopRequestedError
from exports.connectwise.language import gettext as _
from exports.connectwise.language import gettext_noop, joined
from exports.models.codes import ChannelErrorCode
from exports.notifications.errors import ChannelError, SendingStoppedError


def partly_refused(refused: dict[str, tuple[int, bytes]], answer: str) -> ChannelError:
    """Some got it: another try would tell them twice."""
    recipient, (code, said) = next(iter(refused.items()))
    message = _(
        "%(recipient)s was refused (“%(said)s”); the others got the message. Correct the address "
        "on the channel."
    )
    params = {"recipient": recipient, "said": f"{code} {quoted_answer(said)}"}
    return ChannelError(ChannelErrorCode.RECIPIENT_REFUSED, message % params, is_final=True)


@contextmanager
def own_errors() -> Iterator[None]:
    """Within the block whatever smtplib raises becomes a ChannelError or SendingStoppedError."""
    try:
        yield
    except StopRequestedError:
        raise SendingStoppedError from None
    except UnusableCAFileError as error:
        raise ChannelError(ChannelErrorCode.CERTIFICATE, str(error)) from None
    except (smtplib.SMTPException, OSError, DeadlineError, ValueError) as error:
        raise _own_error(error) from None


def quoted_answer(answer: bytes | str) -> str:
    """What the server said, cut short and without our password."""
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    redactor = Redactor(settings.CWEXPORT_SMTP_PASSWORD)
    return clean_text(redactor.redact(text), 200)


def _own_error(error: Exception) -> ChannelError:
    below = error.__context__
    if isinstance(error, smtplib.SMTPServerDisconnected) and isinstance(below, OSError):
        error = below  # smtplib calls every fault a lost connection
    server = f"{settings.CWEXPORT_SMTP_HOST}:{settings.CWEXPORT_SMTP_PORT}"
    params: dict[str, Any] = {"server": server}
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        recipient, (code, said) = next(iter(error.recipients.items()))
        params |= {"recipient": recipient, "said": f"{code} {quoted_answer(said)}"}
        return ChannelError(ChannelErrorCode.REFUSED, _(_RECIPIENT) % params)
    if isinstance(error, smtplib.SMTPAuthenticationError):
        params["said"] = f"{error.smtp_code} {quoted_answer(error.smtp_error)}"
        return ChannelError(ChannelErrorCode.LOGIN_REFUSED, _(_LOGIN) % params)
    if isinstance(error, smtplib.SMTPResponseException):
        params["said"] = f"{error.smtp_code} {quoted_answer(error.smtp_error)}"
        is_passing = error.smtp_code // 100 == 4
        code_of = ChannelErrorCode.SERVER_FAILED if is_passing else ChannelErrorCode.REFUSED
        return ChannelError(code_of, _(_ANSWER) % params)
    for kinds, code_found, sentence in _FAULTS:
        if isinstance(error, kinds):
            params["reason"] = getattr(error, "verify_message", "") or error.__class__.__name__
            return ChannelError(code_found, joined([_(sentence) % params, _(_ADVICE)]))
    params["reason"] = getattr(error, "strerror", None) or type(error).__name__
    return ChannelError(ChannelErrorCode.UNREACHABLE, joined([_(_BROKEN) % params, _(_ADVICE)]))


_ADVICE: Final = gettext_noop(
    "The operator checks CWEXPORT_SMTP_HOST, CWEXPORT_SMTP_PORT and CWEXPORT_SMTP_TLS."
)
_BROKEN: Final = gettext_noop("The connection to the mail server %(server)s failed: %(reason)s.")
_ANSWER: Final = gettext_noop(
    "The mail server %(server)s answered “%(said)s”. If that goes on, ask whoever runs it."
)
_LOGIN: Final = gettext_noop(
    "The mail server %(server)s refused the login (“%(said)s”). The operator corrects "
    "CWEXPORT_SMTP_USER and CWEXPORT_SMTP_PASSWORD."
)
_RECIPIENT: Final = gettext_noop(
    "The mail server %(server)s refused the recipient %(recipient)s (“%(said)s”). Correct the "
    "address on the channel, or ask who runs the server."
)
_FAULTS: Final[tuple[tuple[tuple[type[Exception], ...], ChannelErrorCode, str], ...]] = (
    (
        (ssl.SSLCertVerificationError,),
        ChannelErrorCode.CERTIFICATE,
        gettext_noop("The certificate of the mail server %(server)s was not accepted: %(reason)s."),
    ),
    (
        (ssl.SSLError,),
        ChannelErrorCode.CERTIFICATE,
        gettext_noop("No secure connection to the mail server %(server)s could be made."),
    ),
    (
        (TimeoutError, DeadlineError),
        ChannelErrorCode.NO_ANSWER,
        gettext_noop("The mail server %(server)s did not answer in time."),
    ),
    (
        (socket.gaierror,),
        ChannelErrorCode.UNREACHABLE,
        gettext_noop("The name of the mail server %(server)s could not be looked up."),
    ),
    (
        (ConnectionRefusedError,),
        ChannelErrorCode.UNREACHABLE,
        gettext_noop("The mail server %(server)s refused the connection."),
    ),
    (
        (smtplib.SMTPServerDisconnected, ConnectionError),
        ChannelErrorCode.UNREACHABLE,
        gettext_noop("The mail server %(server)s closed the connection before it had answered."),
    ),
    (
        (smtplib.SMTPNotSupportedError,),
        ChannelErrorCode.REFUSED,
        gettext_noop("The mail server %(server)s does not offer what is needed for the login."),
    ),
)
