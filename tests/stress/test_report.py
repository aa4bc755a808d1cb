"""The table of the long stress: nothing is cut, and no broken promise is missed."""

from tests.stress.report import Report, listed


def test_the_table_has_a_line_for_each_figure() -> None:
    report = Report()
    report.notify("runs", 40, listed({"succeeded": 30, "failed": 10, "cancelled": 0}))
    report.add("lost", "40 runs", "0", 0, is_kept=True)
    report.add("SIGTERM", 3, "<= 10 s", "11.2 s", is_kept=False)
    report.skip("disk full", "no right to mount")
    report.blame(["lost: batch 7"])

    assert report.text().splitlines() == [
        "what       how often  goal     found",
        "---------  ---------  -------  -----------------------  --------",
        "runs       40                  10 failed, 30 succeeded  -",
        "lost       40 runs    0        0                        ok",
        "SIGTERM    3          <= 10 s  11.2 s                   VIOLATED",
        "disk full                      no right to mount        NOT RUN",
        "",
        "lost: batch 7",
    ]


def test_long_text_wraps_into_own_lines() -> None:
    report = Report()
    words = " ".join(f"word{number}" for number in range(20))
    report.notify("many", 1, words)

    lines = report.text().splitlines()[2:]

    assert (
        " ".join(line[len("many  how often  goal  ") :].removesuffix("-").strip() for line in lines)
        == words
    )


def test_figure_beyond_goal_is_a_violation() -> None:
    good, slow, found = Report(), Report(), Report()
    good.add("lost", 1, "0", 0, is_kept=True)
    good.skip("disk full", "no right to mount")
    slow.add("SIGTERM", 1, "<= 10 s", "11 s", is_kept=False)
    found.blame(["torn: run 7"])

    assert [report.is_violated for report in (good, slow, found)] == [False, True, True]
