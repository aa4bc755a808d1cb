"""Deletes expired sessions."""

from exports.models import LoginSession

# In portions, as other writers wait for a deletion to end.
_PORTION = 500
_PORTIONS_A_ROUND = 10


def clear_expired_sessions() -> bool:
    """Delete up to 5,000 expired sessions; return whether none are left."""
    expired = LoginSession.objects.expired().order_by()
    for _portion in range(_PORTIONS_A_ROUND):
        some = list(expired.values_list("pk", flat=True)[:_PORTION])
        LoginSession.objects.filter(pk__in=some).end()
        if len(some) < _PORTION:
            return True
    return False
