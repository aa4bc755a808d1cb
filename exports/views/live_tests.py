"""The test of a connection, channel or destination, sent to its page step by step."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from django.http import StreamingHttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from exports.live_checks.connection_check import RUNNING, worst_outcome

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise

# For each outcome, the level of the message and its sentence.
Sentences = Mapping[str, tuple[int, "StrPromise"]]
# Separates the states of a test; connection-test.js and waiting.js split at it too.
END_OF_STATE: Final = "\f"


def stream_test(
    row: Any, states: Iterator[Sequence[Any]], sentences: Sentences
) -> StreamingHttpResponse:
    """`states`: all steps so far, after each change; the answer ends with the test."""
    parts = (_render(row, steps, sentences) + END_OF_STATE for steps in states)
    return StreamingHttpResponse(parts, content_type="text/html; charset=utf-8")


def result_of(row: Any, steps: Sequence[Any], sentences: Sentences) -> tuple[int, str]:
    """The level and the sentence for a test that is over."""
    level, sentence = sentences[worst_outcome(list(steps))]
    return level, sentence % {row._meta.model_name: row.name}


def _render(row: Any, steps: Sequence[Any], sentences: Sentences) -> str:
    running = next((step.name for step in steps if step.outcome == RUNNING), None)
    if running is None:
        announcement = result_of(row, steps, sentences)[1]
    else:
        announcement = _("Testing: %(step)s") % {"step": running}
    context = {
        "tested": row,
        "steps": [vars(step) for step in steps],
        "is_over": running is None,
        "announcement": announcement,
    }
    return render_to_string("exports/live_tests/_test_result.html", context)
