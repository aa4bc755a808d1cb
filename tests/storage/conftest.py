"""A user whom the pages know."""

from tests.screen_fixtures import signed_in, user

__all__ = ["signed_in", "user"]
