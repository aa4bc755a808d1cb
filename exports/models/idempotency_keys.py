"""Keys by which a program repeats a request without repeating what it did (rule I1)."""

from datetime import timedelta
from typing import Any, Final

from django.db import IntegrityError, models, transaction

from exports import clock
from exports.models.api_tokens import ApiToken

KEPT_FOR: Final = timedelta(hours=24)
LONGEST_KEY: Final = 255


class IdempotencyKeyQuerySet(models.QuerySet["IdempotencyKey"]):
    def expired(self) -> "IdempotencyKeyQuerySet":
        return self.filter(created_at__lte=clock.now() - KEPT_FOR)

    def take(self, token: ApiToken, key: str, request_hash: str) -> "tuple[IdempotencyKey, bool]":
        """The row of this key, and whether it is new; to be called in a transaction.

        Of two requests at once, the second waits in the insert until the first has committed its
        answer or given up.
        """
        wanted = self.filter(token=token, key=key)
        wanted.expired().delete()
        try:
            with transaction.atomic():
                row = self.create(token=token, key=key, request_hash=request_hash)
        except IntegrityError:
            return wanted.get(), False
        return row, True


class IdempotencyKey(models.Model):
    """A request that was carried out, and its answer; the row stays for a day."""

    token = models.ForeignKey(ApiToken, models.CASCADE, related_name="+")
    key = models.CharField(max_length=LONGEST_KEY)
    # Of method, address and body: the same key for something else is a mistake.
    request_hash = models.CharField(max_length=64)
    answer = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=clock.now, db_index=True)

    objects = IdempotencyKeyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["token", "key"], name="one_row_a_token_and_key")
        ]

    def __str__(self) -> str:
        return self.key

    def keep_answer(self, answer: dict[str, Any]) -> None:
        self.answer = answer
        self.save(update_fields=["answer"])
