"""The product's own web server on a port, in the process of the tests and with their database."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.wsgi import get_wsgi_application

from exports.middleware.content_types import with_readable_type
from exports.workers.web_server import Limits, WebServer, listen


@contextmanager
def running_server() -> Iterator[str]:
    """Its address."""
    listening = listen("127.0.0.1", 0)
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    server = WebServer(with_readable_type(get_wsgi_application()), listening, Limits())
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield address
    finally:
        server.end()
        thread.join(30)
