"""A column for a sentence, stored untranslated and read in the current language."""

import json
from typing import Any, Final

from django.db import models

from exports.connectwise.language import Message

_START: Final = '{"message": '


class MessageField(models.TextField):  # type: ignore[type-arg]
    """Stores a Message as JSON, and any other text, as earlier versions did, unchanged."""

    def get_prep_value(self, value: Any) -> Any:
        if isinstance(value, Message):
            return f"{_START}{json.dumps(value.data, ensure_ascii=False)}}}"
        return super().get_prep_value(value)

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        return None if value is None else message_from(value)

    def to_python(self, value: Any) -> Any:
        return message_from(value) if isinstance(value, str) else super().to_python(value)


def message_from(stored: str) -> str:
    """The stored Message in the current language; any other text unchanged."""
    if not stored.startswith(_START):
        return stored
    try:
        return Message.from_data(json.loads(stored)["message"])
    except (ValueError, KeyError, TypeError):
        return stored
