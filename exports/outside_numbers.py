"""Numbers from outside: what an id or a position in an address, a form or a file may look like."""

from typing import Final

# As large as an id, here and at ConnectWise, can be.
LARGEST_ID: Final = 2**63 - 1
_MAX_DIGITS: Final = len(str(LARGEST_ID))


def read_number(text: str, *, most: int = LARGEST_ID) -> int | None:
    """A whole number from 0 to `most`; None for anything else, however long it is."""
    # int() takes digits of any script, blanks and signs, and is slow on a million of them.
    if not (text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS):
        return None
    number = int(text)
    return number if number <= most else None


def read_id(text: str) -> int | None:
    """As `read_number`, from 1 on."""
    return read_number(text) or None


class IdConverter:
    """`<id:pk>` in an address: what no database can hold is a page that does not exist."""

    regex = f"[0-9]{{1,{_MAX_DIGITS}}}"

    def to_python(self, text: str) -> int:
        number = read_number(text)
        if number is None:
            raise ValueError(text)
        return number

    def to_url(self, number: int) -> str:
        return str(number)
