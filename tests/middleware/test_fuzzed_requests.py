"""Random requests to the whole product over real sockets: none ends in an error of the server."""

from random import Random

import pytest
from django.core.wsgi import get_wsgi_application

from exports.middleware.content_types import with_readable_type
from tests.middleware.fuzzed_installation import make_rows, serving, tracebacks
from tests.middleware.fuzzing import random_request


@pytest.mark.django_db(transaction=True)
def test_no_random_request_breaks() -> None:
    """`make stress ARGS=requests` sends many more."""
    random, user = Random(1), make_rows()
    application = with_readable_type(get_wsgi_application())
    with tracebacks() as mistakes, serving(application, user) as installation:
        for number in range(250):
            answer = installation.ask(random_request(random, installation))
            assert answer.fault() == "", (number, mistakes)
    assert mistakes == []
