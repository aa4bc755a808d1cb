"""Many small questions in one query: asked beside the row of a user, as whoever asks is one."""

from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Count, QuerySet, Subquery, Value


def ask(questions: dict[str, Any]) -> dict[str, Any]:
    """The answers by name; all None without a user."""
    users = get_user_model().objects.order_by("pk")
    values = users.values_list(*questions.values()).first() or (None,) * len(questions)
    return dict(zip(questions, values, strict=True))


def newest(rows: QuerySet[Any], field: str) -> Subquery:
    """The largest value of the field, for which there should be an index."""
    return Subquery(rows.order_by(f"-{field}").values(field)[:1])


def total(rows: QuerySet[Any], value: Any) -> Subquery:
    """An aggregate over all rows; None when there is none."""
    # A constant to group by, so that all rows make one.
    return Subquery(rows.order_by().values(one=Value(1)).annotate(it=value).values("it"))


def count(rows: QuerySet[Any]) -> Subquery:
    return total(rows, Count("pk"))
