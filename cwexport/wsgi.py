"""The WSGI application that the web server imports."""

import os
import sys

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from exports.connectwise.http import outgoing
from exports.logs.output import say
from exports.middleware.content_types import with_readable_type
from exports.middleware.public_address import at_public_address

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cwexport.settings")
outgoing.install()
application = at_public_address(
    with_readable_type(get_wsgi_application()), settings.CWEXPORT_PUBLIC_URL
)

from exports.workers.start_checks import StartError, check_start  # noqa: E402

try:
    for sentence in check_start():
        say(sentence)
except StartError as error:
    # By this exit code web servers know that restarting the application will not help.
    say(str(error))
    sys.exit(3)
