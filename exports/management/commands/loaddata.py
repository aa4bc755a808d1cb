from django.core.management.commands import loaddata
from django.utils.translation import gettext as _

from exports.management.refusing import RefusedOnCommandLine


class Command(RefusedOnCommandLine, loaddata.Command):
    def sentence(self) -> str:
        return _(
            "loaddata would change users and tasks without an entry in the audit log. Use "
            "manage.py load_config FILE for tasks, create_user for users, and restore for a backup."
        )
