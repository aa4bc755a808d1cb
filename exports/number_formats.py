"""How figures are put into sentences, in the language that is spoken where they are made."""

from django.utils.formats import number_format


def grouped(number: int) -> str:
    """`12,345`; with the separator of the active language."""
    return number_format(number, use_l10n=True, force_grouping=True)


def decimal(written: str) -> str:
    """`1.5` as the active language writes it: `1,5`; `written` holds as many places as are shown.

    Grouped like `grouped`, so that both stand beside each other.
    """
    return number_format(written, use_l10n=True, force_grouping=True)
