"""The page that says where the files of a task go (rules D2, D5)."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from exports.forms.task_destinations import TaskDestinationsForm
from exports.models import Destination, Task


@require_http_methods(["GET", "POST"])
def edit_task_destinations(request: HttpRequest, pk: int) -> HttpResponse:
    task = get_object_or_404(Task, pk=pk, archived_at=None)
    form = TaskDestinationsForm(request.POST if request.method == "POST" else None, task=task)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(
            request, _("The destinations of %(task)s were saved.") % {"task": task.name}
        )
        return redirect("task-detail", pk)
    context = {"task": task, "form": form, "rows": list(form.rows())}
    return render(request, "exports/task/task_destinations.html", context)


def message_where_files_go(request: HttpRequest, task: Task) -> None:
    """After a new task was saved, whose form does not ask for it; where there is a choice."""
    if Destination.objects.count() < 2:
        return
    names = ", ".join(task.destination_names())
    message = _(
        "Its files go to %(destinations)s. Other places are chosen under Destinations, below."
    )
    if not names:
        message = _(
            "Its files stay in the history. Other places are chosen under Destinations, below."
        )
    messages.info(request, message % {"destinations": names})
