from django.core.management.commands import flush
from django.utils.translation import gettext as _

from exports.management.refusing import RefusedOnCommandLine


class Command(RefusedOnCommandLine, flush.Command):
    def sentence(self) -> str:
        return _(
            "flush would empty the audit log too, which can only grow. To begin anew, name "
            "another folder in CWEXPORT_DATA_DIR, or another database in DATABASE_URL."
        )
