"""Who saved a row last, so that a person who saves an older form can be warned."""

from django.db import models

from exports import clock


class EditedModel(models.Model):
    """A row that people edit on a form."""

    updated_at = models.DateTimeField(default=clock.now, editable=False)
    # Only the name, which outlives a deleted user; "load_config" for a configuration file.
    updated_by = models.CharField(max_length=150, blank=True, editable=False)

    class Meta:
        abstract = True

    def sign(self, editor: str) -> None:
        """Set who edited the row and when; the caller saves."""
        self.updated_at, self.updated_by = clock.now(), editor
