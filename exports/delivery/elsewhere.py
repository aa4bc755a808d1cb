"""Whether another host should try first: one that sees what this one does not (rules D3, Q1).

Hosts may have data folders of their own. Then the file of a run, or the copy that a host was about
to rename when it died, is seen by one of them only.
"""

import os
from datetime import timedelta
from typing import Final

from exports import clock
from exports.delivery.errors import DeliveryError
from exports.delivery.parcel import Parcel
from exports.delivery.registry import kind_of
from exports.models import Delivery, Worker
from exports.models.codes import DeliveryErrorCode
from exports.models.hosts import host_name

# After that somebody tries it all the same, so that people are told what is missing.
LEFT_FOR: Final = timedelta(minutes=1)


def is_left_to_others(delivery: Delivery) -> bool:
    """Whether this host leaves it: it lacks something, and others have had no chance yet."""
    waited = clock.now() - delivery.next_try_at
    return timedelta(0) <= waited < LEFT_FOR and not _is_within_reach(delivery) and _has_others()


def _is_within_reach(delivery: Delivery) -> bool:
    destination = delivery.destination
    if destination is None:
        return True  # which the try will say
    try:
        if not kind_of(destination.kind).sees(destination.address, delivery.temp_name):
            return False
        with Parcel(delivery, lambda: None, lambda: None).open():
            return True
    except DeliveryError as error:
        return error.code != DeliveryErrorCode.FILE_MISSING
    except OSError:
        return True


def _has_others() -> bool:
    own = {"host": host_name(), "process_id": os.getpid()}
    return Worker.objects.alive().exclude(**own).exists()
