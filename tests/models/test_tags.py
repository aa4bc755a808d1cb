"""Tags: how they are typed, stored and found."""

import pytest

from exports.models import Task
from exports.models.tags import TagsError, has_tag, read_tags
from exports.reporting.tags import known_tags
from tests.conftest import save_task


def test_each_tag_is_kept_once_and_tidied() -> None:
    assert read_tags("  Month   end,payroll,, PAYROLL ,") == "Month end, payroll"
    assert read_tags("") == ""
    assert read_tags(" , ") == ""


def test_known_spelling_is_kept() -> None:
    assert read_tags("payroll, straße", ["Payroll"]) == "Payroll, straße"


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("x" * 31, "A tag has at most 30 characters"),
        (", ".join(f"t{number}" for number in range(11)), "at most 10 tags, these are 11"),
        ("a\u0000b", "A tag is plain text"),
        ("a\tb", "A tag is plain text"),
    ],
)
def test_unfit_tags_are_refused_in_words(typed: str, sentence: str) -> None:
    with pytest.raises(TagsError, match=sentence):
        read_tags(typed)


def test_ten_longest_tags_fit() -> None:
    typed = ",".join(str(number) * 30 for number in range(10))
    assert len(read_tags(typed)) <= Task._meta.get_field("tags").max_length


@pytest.mark.django_db
def test_tag_is_found_whole_and_literally(connection: object) -> None:
    for number, tags in enumerate(("a, b%, c", "b%", "ab%", "b, b%x", "x, b%")):
        save_task(connection, name=str(number), output_file=f"{number}.xml", tags=tags)
    found = Task.objects.filter(has_tag("b%")).order_by("name").values_list("name", flat=True)
    assert list(found) == ["0", "1", "4"]
    assert known_tags() == ["a", "ab%", "b", "b%", "b%x", "c", "x"]
