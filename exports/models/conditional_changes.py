"""Rows that several processes change: each change says what must still hold."""

from typing import Any

from django.db import models
from django.db.models import Q


class ChangedWhileHeld(models.Model):
    class Meta:
        abstract = True

    def _change(self, held: Q, **fields: Any) -> bool:
        """One conditional UPDATE: the database row decides, not the values in this object.

        False, and nothing is changed, where `held` no longer is true.
        """
        if type(self)._default_manager.filter(held, pk=self.pk).update(**fields) != 1:
            return False
        for name, value in fields.items():
            setattr(self, name, value)
        return True
