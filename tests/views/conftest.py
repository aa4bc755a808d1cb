"""The rows that the pages show."""

from tests.screen_fixtures import connection, make_task, signed_in, user

__all__ = ["connection", "make_task", "signed_in", "user"]
