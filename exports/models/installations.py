"""The id that links a database to its data folders."""

import uuid
from typing import ClassVar

from django.db import models

_ONLY_ROW = 1


class InstallationManager(models.Manager["Installation"]):
    def known_id(self) -> str | None:
        return self.filter(pk=_ONLY_ROW).values_list("folder_id", flat=True).first()

    def own_id(self) -> str:
        """This database's id, created at first use; safe for several processes at once."""
        row, _is_new = self.get_or_create(pk=_ONLY_ROW, defaults={"folder_id": uuid.uuid4().hex})
        return row.folder_id

    def take_id(self, folder_id: str) -> None:
        self.update_or_create(pk=_ONLY_ROW, defaults={"folder_id": folder_id})


class Installation(models.Model):
    """The only row of its table; each data folder of the installation holds the same id."""

    folder_id = models.CharField(max_length=32)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[InstallationManager] = InstallationManager()

    def __str__(self) -> str:
        return self.folder_id
