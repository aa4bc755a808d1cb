"""The mark by which a database and its data folder know each other."""

import uuid
from typing import ClassVar

from django.db import models

_ONLY_ROW = 1


class InstallationManager(models.Manager["Installation"]):
    def known_id(self) -> str | None:
        return self.filter(pk=_ONLY_ROW).values_list("folder_id", flat=True).first()

    def own_id(self) -> str:
        """This database's id, made at its first use; several processes may ask at once."""
        row, _is_new = self.get_or_create(pk=_ONLY_ROW, defaults={"folder_id": uuid.uuid4().hex})
        return row.folder_id

    def take_id(self, folder_id: str) -> None:
        self.update_or_create(pk=_ONLY_ROW, defaults={"folder_id": folder_id})


class Installation(models.Model):
    """The one row of an installation; the same id stands in each of its data folders."""

    folder_id = models.CharField(max_length=32)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[InstallationManager] = InstallationManager()

    def __str__(self) -> str:
        return self.folder_id
