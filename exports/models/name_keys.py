"""When two names of files are one name."""

import unicodedata


def name_key(name: str) -> str:
    """The same for names that some system takes for one: in case or Unicode form only."""
    folded = unicodedata.normalize("NFC", name).casefold()
    return unicodedata.normalize("NFC", folded)
