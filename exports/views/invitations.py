"""Inviting people: the form, a new link in place of one, and revoking (rule A2)."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from exports.access.roles import Role
from exports.forms.users import InviteForm
from exports.models import OneTimeLink
from exports.models.one_time_links import OneTimeLinkQuerySet, invite
from exports.notifications.link_mail import can_mail
from exports.views.buttons import button
from exports.views.confirming import require_proof
from exports.views.link_pages import show_new_link


@require_http_methods(["GET", "POST"])
@require_proof
def invite_user(request: HttpRequest) -> HttpResponse:
    if not settings.CWEXPORT_PASSWORD_LOGIN:
        # A link lets somebody choose a password, which nobody could log in with.
        return render(request, "exports/users/user_invite.html", {"are_passwords_off": True})
    form = InviteForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        role = Role(form.cleaned_data["role"])
        link, token = invite(role, request.user.get_username(), **form.recipient())
        return show_new_link(request, link, token)
    context = {"form": form, "can_mail": can_mail()}
    return render(request, "exports/users/user_invite.html", context)


@button
@require_proof
def renew_invitation(request: HttpRequest, pk: int) -> HttpResponse:
    """A new link: the one before stops working."""
    link = get_object_or_404(_invitations(), pk=pk)
    renewed = link.renew(request.user.get_username())
    if renewed is None:
        return _say_over(request, link)
    return show_new_link(request, *renewed)


@button
def revoke_invitation(request: HttpRequest, pk: int) -> HttpResponse:
    link = get_object_or_404(_invitations(), pk=pk)
    if not link.withdraw():
        return _say_over(request, link)
    sentence = _("The invitation of %(person)s is revoked: its link does not work any more.")
    messages.success(request, sentence % {"person": link.person})
    return redirect("user-list")


def _invitations() -> OneTimeLinkQuerySet:
    return OneTimeLink.objects.filter(purpose=OneTimeLink.Purpose.INVITATION)


def _say_over(request: HttpRequest, link: OneTimeLink) -> HttpResponse:
    sentence = _("Nothing was changed: the invitation of %(person)s was used or revoked meanwhile.")
    messages.info(request, sentence % {"person": link.person})
    return redirect("user-list")
