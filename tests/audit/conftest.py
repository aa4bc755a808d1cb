"""The rows that people change on the pages."""

from tests.screen_fixtures import connection, make_task, signed_in, user

__all__ = ["connection", "make_task", "signed_in", "user"]
