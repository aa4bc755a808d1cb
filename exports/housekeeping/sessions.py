"""Deletes expired sessions, of which every visit to the login form creates one."""

from django.contrib.sessions.models import Session
from django.utils import timezone

# In portions, as other writers wait for a deletion to end.
_PORTION = 500
_PORTIONS_A_ROUND = 10


def clear_expired_sessions() -> bool:
    """Delete up to 5,000 expired sessions; return whether none are left."""
    expired = Session.objects.filter(expire_date__lt=timezone.now()).order_by()
    for _portion in range(_PORTIONS_A_ROUND):
        some = list(expired.values_list("pk", flat=True)[:_PORTION])
        Session.objects.filter(pk__in=some).delete()
        if len(some) < _PORTION:
            return True
    return False
