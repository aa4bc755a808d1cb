"""Who saved a row last: for whoever has its form open and saves later."""

from django.db import models
from django.utils import timezone


class EditedModel(models.Model):
    """A row that people edit on a form."""

    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    # The name alone, which stays true when the user is deleted; "load_config" for a file.
    updated_by = models.CharField(max_length=150, blank=True, editable=False)

    class Meta:
        abstract = True

    def sign(self, editor: str) -> None:
        """Say who is about to save; the caller saves."""
        self.updated_at, self.updated_by = timezone.now(), editor
