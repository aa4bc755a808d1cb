"""Hosts that do not agree with this one, by what their living workers say (rule Q1)."""

from collections import Counter
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from exports.models import Worker
from exports.models.hosts import own_traits

_AHEAD: Final = gettext_noop(
    "The clock of %(host)s is %(seconds)s seconds ahead of the database's. Set it by a time "
    "service (NTP): codes of a second factor and times in logs go by it."
)
_BEHIND: Final = gettext_noop(
    "The clock of %(host)s is %(seconds)s seconds behind the database's. Set it by a time "
    "service (NTP): codes of a second factor and times in logs go by it."
)


def clock_sentence(host: str, seconds: float) -> str:
    message = _(_AHEAD if seconds > 0 else _BEHIND)
    return message % {"host": host, "seconds": f"{abs(seconds):.0f}"}


def key_findings() -> list[str]:
    """A sentence for each other host with other keys."""
    return [sentence for worker in Worker.objects.differing() if (sentence := _other_keys(worker))]


def worker_clocks() -> dict[str, float]:
    """Seconds by which the clock of each host is ahead of the database's."""
    return dict(Worker.objects.alive().values_list("host", "clock_ahead"))


def version_findings() -> tuple[bool, list[tuple[str, bool]]]:
    """Whether a worker is alive, and of each host how many, with whether its version is ours."""
    counts = Counter(Worker.objects.alive().values_list("host", "version"))
    return bool(counts), [
        (_workers_sentence(host, version, count), version == own_traits()["version"])
        for (host, version), count in sorted(counts.items())
    ]


def difference(worker: Worker) -> str:
    """What is not the same there, and what to do; the worst of it."""
    if sentence := _other_keys(worker):
        return sentence
    if worker.version != own_traits()["version"]:
        return _workers_sentence(worker.host, worker.version, 1)
    return clock_sentence(worker.host, worker.clock_ahead)


def _other_keys(worker: Worker) -> str:
    own = own_traits()
    names = {
        "SECRET_KEY": worker.secret_key_mark != own["secret_key_mark"],
        "CWEXPORT_ENCRYPTION_KEYS": worker.encryption_keys_mark != own["encryption_keys_mark"],
    }
    different = [name for name, is_other in names.items() if is_other]
    # A worker of an earlier version tells no marks.
    if not different or not worker.version:
        return ""
    message = _(
        "%(host)s has another %(settings)s than this host. Give all hosts the same, in their "
        "environment, and start them again: otherwise they cannot read each other's secrets, and "
        "logins do not hold."
    )
    return message % {"host": worker.host, "settings": _(" and another ").join(different)}


def _workers_sentence(host: str, version: str, count: int) -> str:
    own = own_traits()["version"]
    params = {"host": host or "?", "count": count, "own": own, "version": version}
    if version == own:
        message = ngettext(
            "%(count)s worker is alive on %(host)s, of this version.",
            "%(count)s workers are alive on %(host)s, of this version.",
            count,
        )
        return message % params
    if not version:
        message = _(
            "A worker on %(host)s is of an earlier version than this one (%(own)s): upgrade it."
        )
    else:
        message = _(
            "A worker on %(host)s is of version %(version)s, this is %(own)s: upgrade the older."
        )
    return message % params
