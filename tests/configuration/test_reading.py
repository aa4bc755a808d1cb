"""Files that are not a configuration, read without a database."""

import pytest

from exports.configuration import Problem, read
from tests.configuration.example import EXAMPLE

EMPTY = "The file is empty: it holds connections: and tasks:."
NO_KEYS = "The file is a list: write keys, like connections: …"
NO_KEY = (
    "A list or a group is not a key of the file. Known: connections, tasks, workflows, channels, "
    "destinations, schedules."
)
NO_UTF_8 = "This is not UTF-8: save the file in UTF-8."
NO_YAML = "This is not YAML: {}. Check indentation, colons and quotes here."
ANCHOR = "Anchors and aliases (& and *) are not read: write the value out."
TAG = "Tags (words with !) are not read: leave it out."
DEEP = "This is nested deeper than any key of the form."


@pytest.mark.parametrize(
    ("content", "line", "sentence"),
    [
        ("", 1, EMPTY),
        ("# only a comment\n", 1, EMPTY),
        ("- a\n- b\n", 1, NO_KEYS),
        ("tasks: {}\n", 1, "tasks is a group of keys: write a list, one - for a task."),
        ("task: []\n", 1, "task is not a key of the file. Did you mean tasks?"),
        ("[tasks]: []\n", 1, NO_KEY),
        (
            "tasks:\n - name: a\n  b: c\n",
            3,
            NO_YAML.format("expected <block end>, but found '<block mapping start>'"),
        ),
        (
            "tasks: [\n",
            2,
            NO_YAML.format("expected the node content, but found '<stream end>'"),
        ),
        ("tasks: []\n---\n", 2, NO_YAML.format("but found another document")),
        ("tasks: []\n\x01\n", 2, "YAML cannot hold the control character here."),
        ('tasks:\n "\\UFFFFFFFF"\n', 2, "This is not YAML: an escape names no character."),
        ("a:\n - &b c\n - *b\n", 2, ANCHOR),
        ("a:\n - *b\n", 2, ANCHOR),
        ("a:\n - !!python/object/apply:os.system [ls]\n", 2, TAG),
        ("\n" + "[" * 50_000, 2, DEEP),
        (b"tasks: []\n# \xe9\n", 2, NO_UTF_8),
    ],
)
def test_unreadable_file_is_refused_with_its_line(
    content: str | bytes, line: int, sentence: str
) -> None:
    [problem] = read(content.encode() if isinstance(content, str) else content).problems

    assert problem == Problem(line, sentence)


def test_a_bom_and_windows_line_ends_are_read() -> None:
    file = read(("\ufeff" + EXAMPLE.replace("\n", "\r\n")).encode())
    assert file.problems == ()
    assert [entry.line for entry in (*file.connections, *file.tasks)] == [2, 9]


def test_endless_list_of_entries_ends() -> None:
    content = "tasks:\n" + " - {name: a, export: all, output_file: a.xml}\n" * 2_001
    file = read(content.encode())

    # Checking two thousand tasks would take a minute, for nothing.
    assert file.tasks == ()
    assert file.problems == (
        Problem(2_002, "This list has more than 2000 entries. Share it out over several files."),
    )


@pytest.mark.parametrize("content", ["tasks:\n" + " - x\n" * 150_000, "x:\n? [a]\n" * 50_000])
def test_reading_stops_after_many_errors(content: str) -> None:
    problems = read(content.encode()).problems

    assert 200 < len(problems) <= 203
    assert problems[-1].sentence == "There are more than 200 errors; what follows was not read."
