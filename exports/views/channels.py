"""The pages of channels (rules N1, N2)."""

from django.contrib import messages
from django.db import transaction
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from exports.forms.channels import ChannelForm
from exports.models import Channel, ChannelSecretError, Message
from exports.notifications import testing
from exports.notifications.kind import ChannelKind
from exports.notifications.registry import all_kinds, find_kind
from exports.views.buttons import button
from exports.views.live_tests import result_of, stream_test

_SENTENCES = {
    testing.PASSED: (messages.SUCCESS, gettext_lazy("A test message went out by %(channel)s.")),
    testing.FAILED: (
        messages.ERROR,
        gettext_lazy("The test of %(channel)s failed, see below."),
    ),
}
_TEST_NOW = "test_channel_now"


@require_GET
def list_channels(request: HttpRequest) -> HttpResponse:
    waiting = Count("messages", filter=Q(messages__state__in=Message.OPEN))
    rows = Channel.objects.order_by("name").annotate(waiting_count=waiting)
    lines = [
        {"channel": row, "kind": (kind := find_kind(row.kind)), **_place(row, kind)} for row in rows
    ]
    return render(request, "exports/channels/channel_list.html", {"lines": lines})


@require_GET
def choose_kind(request: HttpRequest) -> HttpResponse:
    return render(request, "exports/channels/channel_kinds.html", {"kinds": all_kinds()})


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def create_channel(request: HttpRequest, kind: str) -> HttpResponse:
    found = find_kind(kind)
    if found is None:
        raise Http404
    if request.method == "POST":
        return _save(request, found, None)
    return _show_form(request, ChannelForm(found))


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def edit_channel(request: HttpRequest, pk: int) -> HttpResponse:
    channel = get_object_or_404(Channel, pk=pk)
    kind = find_kind(channel.kind)
    if kind is None:
        return render(request, "exports/channels/channel_unknown.html", {"channel": channel})
    if request.method == "POST":
        return _save(request, kind, pk)
    return _show_form(request, ChannelForm(kind, instance=channel))


@button
def test_channel(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a test message and show what was answered, or let the page follow its steps."""
    channel = get_object_or_404(Channel, pk=pk)
    if request.POST.get("test") == "live":
        request.session[_TEST_NOW] = channel.pk
        return redirect("channel-edit", channel.pk)
    return _test_and_show(request, channel)


@require_POST
def follow_channel_test(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Send a test message and stream the result, whole after each step."""
    channel = get_object_or_404(Channel, pk=pk)
    return stream_test(channel, testing.follow_test(channel), _SENTENCES)


@require_http_methods(["GET", "POST"])
def delete_channel(request: HttpRequest, pk: int) -> HttpResponse:
    channel = get_object_or_404(Channel, pk=pk)
    reporting = [
        *channel.tasks_reporting.order_by("name"),
        *channel.workflows_reporting.order_by("name"),
    ]
    if request.method == "POST" and not reporting:
        channel.remove()
        message = _("Channel %(channel)s was deleted.")
        messages.success(request, message % {"channel": channel.name})
        return redirect("channel-list")
    context = {
        "channel": channel,
        "waiting_count": channel.messages.open().count(),
        "reporting": reporting,
    }
    status = 409 if request.method == "POST" else 200
    return render(request, "exports/channels/channel_delete.html", context, status=status)


def _save(request: HttpRequest, kind: ChannelKind, pk: int | None) -> HttpResponse:
    with transaction.atomic():
        # Locked, so that a second form waits for this one and sees the saved values.
        locked = Channel.objects.select_for_update(no_key=True).filter(pk=pk or 0).first()
        if pk is not None and locked is None:
            messages.error(request, _("Somebody deleted this channel meanwhile."))
            return redirect("channel-list")
        form = ChannelForm(kind, request.POST, instance=locked)
        form.compare_with_stored()
        if not form.is_valid():
            return _show_form(request, form)
        try:
            channel = form.save_for(request.user)
        except ChannelSecretError as error:
            form.add_error(None, str(error))
            return _show_form(request, form)
    messages.success(request, _("Channel %(channel)s was saved.") % {"channel": channel.name})
    for sentence in form.taken_over():
        messages.warning(request, sentence)
    if request.POST.get("test") == "live":
        request.session[_TEST_NOW] = channel.pk
    elif "test" in request.POST:
        return _test_and_show(request, channel)
    return redirect("channel-edit", channel.pk)


def _test_and_show(request: HttpRequest, channel: Channel) -> HttpResponse:
    level, sentence = result_of(channel, testing.test_channel(channel), _SENTENCES)
    messages.add_message(request, level, sentence)
    return redirect("channel-edit", channel.pk)


def _show_form(request: HttpRequest, form: ChannelForm) -> HttpResponse:
    # Validation writes typed values into the form's instance; the page shows the stored ones.
    stored = Channel.objects.filter(pk=form.instance.pk).first()
    context = {
        "form": form,
        "kind": form.kind,
        "kind_fields": [form[name] for name in form.kind_names()],
        "channel": stored,
        "unavailable": form.kind.unavailable_reason(),
        "action": request.path if stored else reverse("channel-create", args=[form.kind.code]),
        "test_now": stored is not None and request.session.pop(_TEST_NOW, None) == stored.pk,
    }
    return render(request, "exports/channels/channel_form.html", context)


def _place(channel: Channel, kind: ChannelKind | None) -> dict[str, str]:
    return {"place": kind.where(channel.settings) if kind else channel.kind}
