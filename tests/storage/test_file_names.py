"""Which Output File names are allowed, and what they become (rule O1)."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from exports.storage.file_names import (
    OutputNameError,
    check_output_name,
    is_overwritten_each_run,
    render_output_name,
)


@pytest.mark.parametrize(
    "name",
    [
        "batches.xml",
        "Batches 2026.XML",
        "a.b.xml",
        "{task}.xml",
        "{date}-{time}-{run}.xml",
        "é.xml",
        "e\u0301.xml",
        "отчет-batches (2).xml",
        "バッチ.xml",
        "हिन्दी.xml",
    ],
)
def test_plain_names_are_allowed(name: str) -> None:
    check_output_name(name, "Nightly")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "needs a name"),
        ("../../etc/passwd", "without folders"),
        ("..\\x.xml", "without folders"),
        ("a/b.xml", "without folders"),
        (".htaccess", "does not begin with a dot"),
        ("CON.xml", "keeps for a device"),
        ("con.batches.xml", "keeps for a device"),
        ("lpt1.xml", "keeps for a device"),
        ("a\r\nX: y.xml", r"holds U\+000D U\+000A :"),
        ("a\u202elmx.xml", r"holds U\+202E"),
        ("a:b.xml", "holds :"),
        ("$(calc).xml", r"holds \$"),
        ("=cmd.xml", "holds ="),
        ("`x`.xml", "holds `"),
        ("a'b.xml", "holds '"),
        ("%PATH%.xml", "holds %"),
        ("-rf.xml", "begins with a letter, a digit"),
        ("{task}.xml", "begins with a letter, a digit"),
        ("desktop.ini.xml", "a meaning of its own"),
        ("a..xml", "two dots in a row"),
        ("a.xml ", "A blank stands after .xml"),
        ("a.xml\u00a0", "holds U"),
        ("a\u00adb.xml", r"holds U\+00AD"),
        ("a\u061cb.xml", r"holds U\+061C"),
        ("a\U000e0041b.xml", r"holds U\+E0041"),
        ("a\u200bb.xml", r"holds U\+200B"),
        ("a\u3164b.xml", "name holds"),
        ("a\ufe0f.xml", "name holds"),
        ("a\u2800b.xml", "name holds"),
        ("\uff41.xml", "name holds"),
        ("\U0001d41a.xml", "name holds"),
        ("b\u0430tches.xml", "different scripts"),
        ("batches", "must end in .xml"),
        (".xml", "begin with a dot"),
        ("  .xml", "needs a name before"),
        (" batches.xml", "begins with a blank"),
        ("x .xml", "A blank stands before .xml"),
        (" x .xml", "A blank stands before .xml"),
        ("batches{number}.xml", "{number} cannot be filled in"),
        ("batches{.xml", "lone brace"),
        ("x" * 300 + ".xml", "200 is the most"),
        ("日" * 100 + ".xml", "200 is the most"),
    ],
)
@pytest.mark.rule("O1")
def test_other_names_are_refused_with_the_reason(name: str, reason: str) -> None:
    with pytest.raises(OutputNameError, match=reason):
        check_output_name(name, "-rf")


@pytest.mark.parametrize("task_name", ["CON", "日" * 100])
def test_name_is_judged_after_filling_in(task_name: str) -> None:
    with pytest.raises(OutputNameError):
        check_output_name(
            "{task}.xml" if task_name == "CON" else "x" * 60 + "{task}.xml", task_name
        )


@pytest.mark.rule("O1")
def test_placeholders_use_the_installations_zone() -> None:
    rendered = render_output_name(
        "{task}-{date}-{time}-{run}.xml",
        task_name="A/B: nightly",
        run_id=42,
        started_at=datetime(2026, 11, 24, 23, 30, 5, tzinfo=UTC),
        zone=ZoneInfo("Europe/Berlin"),
    )

    assert rendered == "A_B_ nightly-2026-11-25-003005-42.xml"


def test_only_run_and_time_tell_two_runs_apart() -> None:
    names = ["batches.xml", "{date}.xml", "{task}.xml", "{time}.xml", "{run}.xml"]
    assert [is_overwritten_each_run(name) for name in names] == [True, True, True, False, False]


@pytest.mark.parametrize("task_name", ["$(calc)", "a\u00adb\u061c", "a..b", "=x", "\U0001d41a"])
def test_task_name_is_made_plain(task_name: str) -> None:
    check_output_name("x{task}.xml", task_name)
