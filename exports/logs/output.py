"""Sentences that a long-running command tells its operator: printed, or lines of the JSON log."""

import logging
import sys
from typing import TextIO

from django.conf import settings
from django.core.management.base import OutputWrapper

logger = logging.getLogger(__name__)


class LogOutput(OutputWrapper):
    """Stands in for a command's stdout or stderr, so that a log of JSON holds nothing else."""

    def __init__(self, out: TextIO, level: int) -> None:
        super().__init__(out)
        self._level = level

    # Its parent breaks with its own parent in the same way.
    def write(  # type: ignore[override]
        self, msg: str = "", style_func: object = None, ending: object = None
    ) -> None:
        if text := msg.strip():
            logger.log(self._level, "%s", text)


def output_of(wrapper: OutputWrapper, level: int) -> OutputWrapper:
    """The command's own output, or the log where that is JSON."""
    if settings.CWEXPORT_LOG_FORMAT != "json":
        return wrapper
    return LogOutput(sys.stderr, level)


def say(sentence: str) -> None:
    """Tell the operator before there is a command, as when the web server starts."""
    if settings.CWEXPORT_LOG_FORMAT == "json":
        logger.warning("%s", sentence)
    else:
        print(sentence, file=sys.stderr, flush=True)
