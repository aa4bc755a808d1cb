"""Expired sessions are deleted, however many there are."""

from datetime import timedelta

import pytest
from django.utils import timezone

from exports.housekeeping.sessions import clear_expired_sessions
from exports.models import LoginSession
from exports.workers import recovery

pytestmark = pytest.mark.django_db


def _store(count: int, *, expires_in: timedelta) -> None:
    moment = timezone.now() + expires_in
    LoginSession.objects.bulk_create(
        LoginSession(key_hash=f"{expires_in.days}-{number}", expires_at=moment)
        for number in range(count)
    )


def test_recovery_deletes_expired_sessions() -> None:
    _store(3, expires_in=timedelta(days=-1))
    _store(2, expires_in=timedelta(days=1))
    recovery.recover(is_thorough=True)

    assert set(LoginSession.objects.values_list("key_hash", flat=True)) == {"1-0", "1-1"}


def test_flood_of_sessions_goes_in_rounds() -> None:
    _store(5_200, expires_in=timedelta(days=-1))

    assert not clear_expired_sessions()
    assert LoginSession.objects.count() == 200
    assert clear_expired_sessions()
    assert not LoginSession.objects.exists()
