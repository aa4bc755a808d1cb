"""The page that shows a new one-time link, once, to the admin who made it."""

from urllib.parse import urljoin

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from exports.models import OneTimeLink
from exports.notifications.errors import ChannelError, SendingStoppedError
from exports.notifications.link_mail import can_mail, mail_link


def show_new_link(request: HttpRequest, link: OneTimeLink, token: str) -> HttpResponse:
    """Mail it, if there is an address and a mail server, and show it.

    As the answer to the button, as nothing readable of it is stored: no address shows it again.
    """
    url = _whole_address(request, reverse("one-time-link", args=[token]))
    address = link.user.email if link.user else link.email
    is_mailed = bool(address) and can_mail()
    fault = _mail(link, address, url) if is_mailed else ""
    context = {
        "link": link,
        "link_url": url,
        "address": address,
        "is_mailed": is_mailed and not fault,
        "fault": fault,
    }
    return render(request, "exports/users/link_made.html", context)


def _whole_address(request: HttpRequest, path: str) -> str:
    """At the public address where one is set: another host may reach this installation too."""
    if not settings.CWEXPORT_PUBLIC_URL:
        return request.build_absolute_uri(path)
    return urljoin(settings.CWEXPORT_PUBLIC_URL, path)


def _mail(link: OneTimeLink, address: str, url: str) -> str:
    """Send the mail; a sentence when it did not get out."""
    try:
        mail_link(link, address, url)
    except ChannelError as error:
        return error.message
    except SendingStoppedError:
        return _("The mail server did not answer in time.")
    return ""
