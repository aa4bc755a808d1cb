"""The sessions that have expired: nobody can come back to them, and each login form makes one."""

from django.contrib.sessions.models import Session
from django.utils import timezone

# In portions, as whoever wants to write waits for a deletion to end.
_PORTION = 500
_PORTIONS_A_ROUND = 10


def clear_expired_sessions() -> bool:
    """Delete some of them; whether none is left."""
    expired = Session.objects.filter(expire_date__lt=timezone.now()).order_by()
    for _portion in range(_PORTIONS_A_ROUND):
        some = list(expired.values_list("pk", flat=True)[:_PORTION])
        Session.objects.filter(pk__in=some).delete()
        if len(some) < _PORTION:
            return True
    return False
