"""Sends what waits in the outbox: at least once, in order, and never in a run's way (rule N4)."""

import logging
import os
import socket
import uuid
from collections.abc import Callable

from django.db import DatabaseError, InterfaceError, transaction

from exports.connectwise.language import gettext as _
from exports.logs.context import log_context
from exports.models import ChannelSecretError, Message, MessageLostError
from exports.models.codes import ChannelErrorCode
from exports.notifications.errors import ChannelError, SendingStoppedError
from exports.notifications.kind import Target
from exports.notifications.registry import kind_of
from exports.notifications.rendering import render_message

logger = logging.getLogger(__name__)


def send_messages(is_over: Callable[[], bool] = lambda: False) -> None:
    """Try every due message once; a channel that fails is left alone for a while."""
    owner = f"{socket.gethostname()[:30]}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    tried: set[int] = set()
    while not is_over():
        # Asked anew each time: what was sent lets the next of its order follow.
        message = (
            Message.objects.due()
            .exclude(pk__in=tried)
            .select_related("channel", "event__task")
            .first()
        )
        if message is None:
            return
        tried.add(message.pk)
        if message.take(owner):
            send(message, is_over)


def send(message: Message, is_over: Callable[[], bool]) -> None:
    """Try a message that this process has taken, and record the result."""
    event = message.event
    with log_context(run=event.run_id, task=event.task.name if event.task else None):
        _try_and_record(message, is_over)


def _try_and_record(message: Message, is_over: Callable[[], bool]) -> None:
    try:
        answer = _try(message, is_over)
    except SendingStoppedError:
        message.release()
    except ChannelError as error:
        failure = error
        _record(message, lambda: _put_off(message, failure))
    except (DatabaseError, InterfaceError):
        # It stays taken by this sender until the recovery releases it as stalled.
        logger.exception(_("%(message)s was put off."), {"message": message})
    else:
        _record(message, lambda: _finish(message, answer))


def _try(message: Message, is_over: Callable[[], bool]) -> str:
    """Send it, with no transaction open. Raises ChannelError, SendingStoppedError."""
    try:
        kind = kind_of(message.channel.kind)
        letter = render_message(message)
        message.renew()
        # The answer is for the pages of this installation, not for the channel's readers.
        return kind.send(Target.of(message.channel, is_over), letter)
    except ChannelSecretError as error:
        raise ChannelError(ChannelErrorCode.SECRET_UNREADABLE, error.args[0]) from None
    except (MessageLostError, ChannelError, SendingStoppedError, DatabaseError, InterfaceError):
        raise
    except Exception as error:
        # A bug in this program, or in a library that a kind calls, must not stop other messages.
        logger.exception(_("%(message)s failed unexpectedly."), {"message": message})
        unexpected = _("An error inside this program (%(error)s); its log has the details.")
        params = {"error": type(error).__name__}
        raise ChannelError(ChannelErrorCode.UNEXPECTED, unexpected % params) from error


def _record(message: Message, do: Callable[[], None]) -> None:
    try:
        with transaction.atomic():
            do()
    except MessageLostError as error:
        logger.warning("%s", error)
    except (DatabaseError, InterfaceError):
        logger.exception(_("%(message)s was put off."), {"message": message})


def _finish(message: Message, answer: str) -> None:
    message.finish(answer)
    was_failing = message.channel.failing_since is not None
    message.channel.record_sent()
    if was_failing:
        Message.objects.hasten(message.channel)


def _put_off(message: Message, error: ChannelError) -> None:
    if error.is_final:
        message.fail(error.code, error.message)
    else:
        message.put_off(error.code, error.message)
    message.channel.record_failure(error.code, error.message)
