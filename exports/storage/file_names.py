"""The Output File of a task: which names are allowed, and the file name they give (rule O1)."""

import re
import unicodedata
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from exports.connectwise.filter.literals import shown

MAX_LENGTH = 200
PLACEHOLDERS = ("{date}", "{time}", "{task}", "{run}")
# Windows refuses these names with any ending, and may be where the file is picked up.
RESERVED = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$"]
    + [f"{device}{digit}" for device in ("com", "lpt") for digit in "0123456789¹²³"]
)
# File names that Windows and its programs treat specially.
SPECIAL = frozenset({"desktop.ini", "thumbs.db", "autorun.inf", "web.config", "ntuser.dat"})
_PLAIN = "-_.() "
# Invisible characters that Unicode calls letters: Hangul fillers, Khmer inherent vowels.
_INVISIBLE = frozenset("\u115f\u1160\u3164\uffa0\u17b4\u17b5\u034f\u180b\u180c\u180d\u180f")
_LETTERS = frozenset({"Ll", "Lu", "Lt", "Lo", "Mn", "Mc", "Nd"})
# Used like letters in Japanese, but in no Unicode category of letters.
_LETTER_LIKE = frozenset("ー々")
# Scripts with letters that look alike.
_LOOK_ALIKE = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC")
_EXAMPLE = gettext_noop("Write a plain file name such as batches.xml or batches-{run}.xml.")


class OutputNameError(ValueError):
    """An Output File name that cannot be used; `str()` is a sentence for the form."""


def check_output_name(template: str, task_name: str) -> None:
    """Refuse a name that could leave the export folder, be hidden, or fail on another system.

    Checks the name with its placeholders filled in for this task. Raises OutputNameError.
    """
    if not template.strip():
        raise _with_example(_("The output file needs a name."))
    unknown = [part for part in re.findall(r"\{[^{}]*\}", template) if part not in PLACEHOLDERS]
    known = ", ".join(PLACEHOLDERS)
    if unknown:
        message = _("%(placeholder)s cannot be filled in. Known are %(known)s.")
        raise OutputNameError(message % {"placeholder": unknown[0], "known": known})
    if re.search(r"[{}]", re.sub(r"\{[^{}]*\}", "", template)):
        message = _("A lone brace cannot be filled in. Known are %(known)s.")
        raise OutputNameError(message % {"known": known})
    longest = template.replace("{date}", "2000-01-31").replace("{time}", "145100")
    longest = unicodedata.normalize("NFC", longest)
    longest = longest.replace("{run}", "9" * 10).replace("{task}", _safe_task_name(task_name))
    _check_plain_name(longest)


def _check_plain_name(name: str) -> None:
    problem = next((problem for is_wrong, problem in _RULES if is_wrong(name)), "")
    if problem:
        raise _with_example(_(problem) % {"name": shown(name), "characters": _refused(name)})
    # File systems limit bytes; characters outside ASCII take two to four.
    size = max(len(name), len(name.encode(errors="replace")))
    if size > MAX_LENGTH:
        raise OutputNameError(
            _(
                "The output file's name is %(size)s characters long, %(most)s is the most (letters "
                "outside of a to z count more than once)."
            )
            % {"size": size, "most": MAX_LENGTH}
        )


def _stem(name: str) -> str:
    return name[: -len(".xml")]


def _refused(name: str) -> str:
    """The forbidden characters in the name, each once; invisible ones as code points."""
    found = dict.fromkeys(char for char in name if not _is_allowed(char))
    return " ".join(char if char.isprintable() else f"U+{ord(char):04X}" for char in found)


def _is_allowed(char: str) -> bool:
    if char in _PLAIN or char in _LETTER_LIKE:
        return True
    is_variation = "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef"
    is_letter = unicodedata.category(char) in _LETTERS
    # Letters that are a variant of another letter, such as 𝐚 for a, would only deceive.
    is_itself = unicodedata.normalize("NFKC", char) == unicodedata.normalize("NFC", char)
    return is_letter and is_itself and not is_variation and char not in _INVISIBLE


def _mixes_scripts(name: str) -> bool:
    """Whether one word mixes scripts whose letters look alike, as `bаtches` with a Cyrillic а."""
    return any(len(set(_scripts(word))) > 1 for word in re.split(r"[^\w]|[\d_]", name))


def _scripts(word: str) -> Iterator[str]:
    for char in word:
        script = unicodedata.name(char, "").partition(" ")[0]
        if script in _LOOK_ALIKE:
            yield script


_RULES: Final[tuple[tuple[Callable[[str], object], str], ...]] = (
    (
        lambda name: re.search(r"[/\\]", name) or name.startswith("."),
        gettext_noop("The output file is a name without folders that does not begin with a dot."),
    ),
    (
        _refused,
        gettext_noop(
            "The output file's name holds %(characters)s. It may hold letters, digits, blanks "
            "between them, - _ . ( ) and placeholders."
        ),
    ),
    (
        _mixes_scripts,
        gettext_noop(
            "A word of the output file's name mixes letters of different scripts that look alike. "
            "Type it anew in one script."
        ),
    ),
    (
        lambda name: name != name.rstrip(),
        gettext_noop("A blank stands after .xml: take it away."),
    ),
    (
        lambda name: not name.lower().endswith(".xml"),
        gettext_noop("The output file must end in .xml."),
    ),
    (
        lambda name: not _stem(name).strip(" ."),
        gettext_noop("The output file needs a name before .xml."),
    ),
    (
        lambda name: _stem(name) != _stem(name).rstrip(),
        gettext_noop("A blank stands before .xml: take it away."),
    ),
    (
        lambda name: name != name.lstrip(),
        gettext_noop("The output file begins with a blank: take it away."),
    ),
    (
        lambda name: not (name[0].isalnum() or name[0] in "_("),
        gettext_noop("The output file begins with a letter, a digit, _ or (."),
    ),
    (
        lambda name: ".." in name,
        gettext_noop("The output file's name has two dots in a row: take one away."),
    ),
    (
        lambda name: _stem(name).split(".")[0].strip().lower() in RESERVED,
        gettext_noop("%(name)s is a name that Windows keeps for a device."),
    ),
    (
        lambda name: _stem(name).lower() in SPECIAL,
        gettext_noop("%(name)s looks like a file that Windows gives a meaning of its own."),
    ),
)


def _with_example(sentence: str) -> OutputNameError:
    return OutputNameError(f"{sentence} {_(_EXAMPLE)}")


def render_output_name(
    template: str, *, task_name: str, run_id: int, started_at: datetime, zone: ZoneInfo
) -> str:
    """The file name of one run, e.g. `batches-2026-11-24.xml`.

    `started_at` must be aware; date and time are those in `zone`.
    """
    local = started_at.astimezone(zone)
    return (
        template.replace("{date}", f"{local:%Y-%m-%d}")
        .replace("{time}", f"{local:%H%M%S}")
        .replace("{run}", str(run_id))
        .replace("{task}", _safe_task_name(task_name))
    )


def output_name_error(template: str, task_name: str) -> str:
    """Why a saved name can no longer be used, in a sentence; "" when it can."""
    try:
        check_output_name(template, task_name)
    except OutputNameError as error:
        return str(error)
    return ""


def is_overwritten_each_run(template: str) -> bool:
    """Whether a later run gets the same name and replaces a file not yet picked up."""
    return "{run}" not in template and "{time}" not in template


def _safe_task_name(name: str) -> str:
    """A task's name with _ for each character that a file name may not have."""
    composed = unicodedata.normalize("NFC", name)
    kept = "".join(char if _is_allowed(char) and char not in ".()" else "_" for char in composed)
    return kept.strip()[:60].strip() or "task"
