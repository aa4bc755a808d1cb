"""Who typed a command, as pages name them."""

from django.utils.translation import gettext as _

from exports.acting import process_actor


def command_user() -> str:
    """`anna, command line`; a container may run under a number that has no name."""
    user = process_actor().name
    return _("%(user)s, command line") % {"user": user} if user else _("command line")
