"""create_token prints a token once and stores only its hash (rule I2)."""

import io
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone

from exports.models import ApiToken

pytestmark = pytest.mark.django_db


def printed(*arguments: str, **options: Any) -> str:
    out = io.StringIO()
    call_command("create_token", *arguments, stdout=out, **options)
    return out.getvalue()


@pytest.mark.rule("I2")
def test_token_is_last_word_and_never_stored() -> None:
    User.objects.create_user("nightly")

    text = printed("nightly", "--scope", "run", "--name", "cron").split()[-1]

    token = ApiToken.objects.of_text(text)
    assert token is not None
    assert (token.user.username, token.scope, token.name) == ("nightly", "run", "cron")
    assert timedelta(days=89) < token.expires_at - timezone.now() <= timedelta(days=90)
    [row] = ApiToken.objects.values()
    # All that stands in a backup.
    assert text not in str(row)
    assert len(text) >= 47


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("nobody", "--scope", "read"), "no active user nobody"),
        (("gone", "--scope", "read"), "no active user gone"),
        (("nightly", "--scope", "everything"), "invalid choice"),
        (("nightly", "--scope", "read", "--days", "367"), "from 1 to 366"),
        (("nightly", "--scope", "read", "--days", "-1"), "from 1 to 366"),
        (("nightly", "--scope", "read", "--name", " "), "1 to 100 characters"),
    ],
)
def test_wrong_arguments_make_no_token(arguments: tuple[str, ...], reason: str) -> None:
    User.objects.create_user("nightly")
    User.objects.create_user("gone", is_active=False)

    with pytest.raises(CommandError, match=reason):
        printed(*arguments)

    assert not ApiToken.objects.exists()
