"""The Output File of a task: which names are allowed and what a name becomes (rule O1)."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

MAX_LENGTH = 200
PLACEHOLDERS = ("{date}", "{time}", "{task}", "{run}")
# Windows refuses these whatever their ending, and the file may well be picked up there.
RESERVED = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$"]
    + [f"{device}{digit}" for device in ("com", "lpt") for digit in "0123456789¹²³"]
)
_FORBIDDEN = re.compile(
    r'[\x00-\x1f\x7f-\x9f<>:"/\\|?*\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]'
)
_EXAMPLE = gettext_noop("Write a plain file name such as batches.xml or batches-{run}.xml.")


class OutputNameError(ValueError):
    """An Output File name that cannot be used; `str()` is a sentence for the form."""


def check_output_name(template: str, task_name: str) -> None:
    """Refuse a name that could leave the export folder, hide, or fail on another system.

    What counts is what the name becomes for this task. Raises OutputNameError.
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
    longest = longest.replace("{run}", "9" * 10).replace("{task}", _safe_task_name(task_name))
    _check_plain_name(longest)


def _check_plain_name(name: str) -> None:
    if re.search(r"[/\\]", name) or name.startswith("."):
        raise _with_example(
            _("The output file is a name without folders that does not begin with a dot.")
        )
    if _FORBIDDEN.search(name):
        raise _with_example(
            _(
                "The output file has a character that file names cannot hold "
                '(one of < > : " | ? * or an invisible one).'
            )
        )
    if not name.lower().endswith(".xml"):
        raise _with_example(_("The output file must end in .xml."))
    stem = name[: -len(".xml")]
    if not stem.strip(" ."):
        raise _with_example(_("The output file needs a name before .xml."))
    if stem != stem.rstrip():
        raise _with_example(_("A blank stands before .xml: take it away."))
    if stem != stem.lstrip():
        raise _with_example(_("The output file begins with a blank: take it away."))
    if stem.split(".")[0].strip().lower() in RESERVED:
        raise _with_example(
            _("%(name)s is a name that Windows keeps for a device.") % {"name": name}
        )
    # Folders count bytes, of which characters outside of ASCII take two to four.
    size = max(len(name), len(name.encode(errors="replace")))
    if size > MAX_LENGTH:
        raise OutputNameError(
            _(
                "The output file's name is %(size)s characters long, %(most)s is the most (letters "
                "outside of a to z count more than once)."
            )
            % {"size": size, "most": MAX_LENGTH}
        )


def _with_example(sentence: str) -> OutputNameError:
    return OutputNameError(f"{sentence} {_(_EXAMPLE)}")


def render_output_name(
    template: str, *, task_name: str, run_id: int, started_at: datetime, zone: ZoneInfo
) -> str:
    """The file name of one run, e.g. `batches-2026-11-24.xml`.

    `started_at` is aware; date and time are those of the installation's `zone`.
    """
    local = started_at.astimezone(zone)
    return (
        template.replace("{date}", f"{local:%Y-%m-%d}")
        .replace("{time}", f"{local:%H%M%S}")
        .replace("{run}", str(run_id))
        .replace("{task}", _safe_task_name(task_name))
    )


def is_overwritten_each_run(template: str) -> bool:
    """Whether a later run replaces a file of this name that nobody has picked up yet."""
    return "{run}" not in template and "{time}" not in template


def _safe_task_name(name: str) -> str:
    kept = re.sub(r"[^\w\- ]", "_", name).strip()
    return kept[:60] or "task"
