"""How figures and times in UTC are put into sentences, in the language spoken there."""

from datetime import UTC, datetime

from django.utils.formats import number_format


def grouped(number: int) -> str:
    """`12,345`; with the separator of the active language."""
    return number_format(number, use_l10n=True, force_grouping=True)


def decimal(written: str) -> str:
    """`1.5` as the active language writes it: `1,5`; `written` holds as many places as are shown.

    Grouped like `grouped`, so that both stand beside each other.
    """
    return number_format(written, use_l10n=True, force_grouping=True)


def utc_text(moment: datetime) -> str:
    """`2020-01-01T00:00:00Z`: a time for programs, or beside others in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
