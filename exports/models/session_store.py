"""Django's session engine over `LoginSession` rows (the setting SESSION_ENGINE).

With rows of our own a session has its user, its times and its place as columns, whatever way the
login was made, and ending it is deleting a row (rule A4).
"""

from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
from django.db import IntegrityError, router, transaction

from exports import clock
from exports.models.login_sessions import LoginSession, hash_key, longest_login

# How often a used session is written to.
_SEEN_EVERY: Final = timedelta(minutes=1)


class SessionStore(SessionBase):
    """One session; the middleware says where its requests come from."""

    address: str = ""
    browser: str = ""
    # As stored: to notice a login, and to write at most once a minute.
    _user_id: int | None = None
    _last_seen_at: datetime | None = None

    def load(self) -> dict[str, Any]:
        row = LoginSession.objects.open().with_key(self.session_key or "").first()
        if row is None:
            self._session_key = None
            return {}
        self._user_id, self._last_seen_at = row.user_id, row.last_seen_at
        content: dict[str, Any] = self.decode(row.content)
        return content

    def exists(self, session_key: str) -> bool:
        return LoginSession.objects.with_key(session_key).exists()

    def create(self) -> None:
        while True:
            self._session_key = self._get_new_session_key()  # type: ignore[attr-defined]
            try:
                self.save(must_create=True)
            except CreateError:
                continue  # another session got the same key meanwhile
            self.modified = True
            return

    def save(self, must_create: bool = False) -> None:
        """A row that somebody ended meanwhile is not made again: raises UpdateError."""
        if self.session_key is None:
            return self.create()
        content = self._get_session(no_load=must_create)  # type: ignore[attr-defined]
        user_id = int(content[SESSION_KEY]) if SESSION_KEY in content else None
        values: dict[str, Any] = {"content": self.encode(content), "user_id": user_id}
        if user_id is None:
            values["expires_at"] = self.get_expiry_date()
        elif must_create or user_id != self._user_id:
            values |= self._beginning()
        if must_create:
            self._insert(values)
        elif not LoginSession.objects.with_key(self.session_key).update(**values):
            raise UpdateError
        self._user_id = user_id
        return None

    def delete(self, session_key: str | None = None) -> None:
        if key := session_key or self.session_key:
            LoginSession.objects.with_key(key).end()

    def be_seen(self) -> None:
        """A person uses this session now."""
        if self.session_key is None:
            return
        self._get_session()  # type: ignore[attr-defined]
        now = clock.now()
        if self._user_id is None or self._last_seen_at is None or self.session_key is None:
            return
        if abs(now - self._last_seen_at) >= _SEEN_EVERY:
            LoginSession.objects.with_key(self.session_key).update(
                last_seen_at=now, **self._origin()
            )
            self._last_seen_at = now

    @classmethod
    def clear_expired(cls) -> None:
        LoginSession.objects.expired().end()

    def _beginning(self) -> dict[str, Any]:
        """The columns of a login that begins now."""
        now = clock.now()
        return {
            "started_at": now,
            "last_seen_at": now,
            "expires_at": now + longest_login(),
            **self._origin(),
        }

    def _origin(self) -> dict[str, str]:
        return {"address": self.address[:45], "browser": self.browser[:200]}

    def _insert(self, values: dict[str, Any]) -> None:
        try:
            with transaction.atomic(using=router.db_for_write(LoginSession)):
                LoginSession.objects.create(key_hash=hash_key(self.session_key or ""), **values)
        except IntegrityError as error:
            raise CreateError from error
