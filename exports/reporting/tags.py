"""Which tags there are."""

from exports.models import Task
from exports.models.tags import tags_in


def known_tags() -> list[str]:
    """Every tag of a task that is not archived, by name."""
    rows = Task.objects.filter(archived_at=None).exclude(tags="").order_by()
    found = {
        tag for text in rows.values_list("tags", flat=True).distinct() for tag in tags_in(text)
    }
    return sorted(found, key=str.casefold)
