"""What tells a host that was set up otherwise than the rest: version, keys, clock (rule Q1).

Workers keep it in their row. A key is never told: only a mark, made with the key itself, that is
the same for the same key.
"""

import hmac
import socket
from typing import Final

from django.conf import settings

from exports import clock
from exports.product import product_version

# Seconds. Leases allow for minutes; codes of a second factor do not.
CLOCK_LIMIT: Final = 30.0
_MARK_FOR: Final = b"cwexport: the same on all hosts?"


def host_name() -> str:
    return socket.gethostname()[:100]


def own_traits() -> dict[str, str]:
    """What is to be the same on every host, by the names of the worker's columns."""
    return {
        "version": product_version(),
        "secret_key_mark": _mark(settings.SECRET_KEY),
        "encryption_keys_mark": _mark(",".join(settings.CWEXPORT_ENCRYPTION_KEYS)),
    }


def clock_ahead() -> float:
    """By how many seconds this host's clock is ahead of the database's."""
    behind = clock.measured()
    return -behind.total_seconds() if behind else 0.0


def _mark(secret: str) -> str:
    return hmac.new(secret.encode(), _MARK_FOR, "sha256").hexdigest()[:16]
