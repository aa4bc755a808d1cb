"""Random requests to the whole product, by the thousand: what it answers, and its mistakes."""

import logging
from collections import Counter
from random import Random

from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

from exports.middleware.content_types import with_readable_type
from tests.middleware.fuzzed_installation import make_rows, serving, tracebacks
from tests.middleware.fuzzing import random_request

_SHOWN = 10


def send_random_requests(count: int, seed: int) -> tuple[Counter[str], list[str]]:
    """How often each status was answered, and what went wrong."""
    # Pages link to files by their hashed names.
    call_command("collectstatic", verbosity=0, interactive=False)
    # It sets the log up anew, so it comes first; thousands of refusals are then not printed.
    application = with_readable_type(get_wsgi_application())
    logging.disable(logging.NOTSET)
    for name in ("", "django"):
        logging.getLogger(name).handlers[:] = [logging.NullHandler()]
    random, statuses, faults = Random(seed), Counter[str](), list[str]()
    with tracebacks() as mistakes, serving(application, make_rows()) as installation:
        for number in range(count):
            answer = installation.ask(random_request(random, installation))
            statuses[str(answer.status or "closed")] += 1
            if fault := answer.fault():
                faults.append(f"request {number} of seed {seed}: {fault}")
    logging.disable(logging.ERROR)
    return statuses, [*faults[:_SHOWN], *mistakes[:_SHOWN]]
