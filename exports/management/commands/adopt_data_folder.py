from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from exports.storage import belonging


class Command(BaseCommand):
    help = _(
        "Lets the data folder belong to this database, though it belonged to another one. Files of "
        "runs that this database does not know are moved to orphaned/ when a worker starts."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        belonging.adopt_folder()
        message = _("The data folder %(folder)s now belongs to %(database)s.")
        params = {
            "folder": settings.CWEXPORT_DATA_DIR,
            "database": belonging.database_name(),
        }
        self.stdout.write(message % params)
