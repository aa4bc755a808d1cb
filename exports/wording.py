"""How figures are put into sentences, in the language that is spoken where they are made."""

from django.utils.formats import number_format


def grouped(number: int) -> str:
    """`12,345`; with the separator of the active language."""
    return number_format(number, use_l10n=True, force_grouping=True)
