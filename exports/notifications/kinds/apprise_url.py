"""Every other service by Apprise, an optional extra that is off until it is switched on.

It opens sockets of its own and follows redirects, so it only works behind the fence, which lets it
call the hosts named on the channel and no others.
"""

import re
from collections.abc import Mapping
from contextlib import ExitStack
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings as installation
from django.utils.translation import gettext_lazy

from exports.connectwise.http import outgoing
from exports.connectwise.http.addresses import AddressRefusedError
from exports.connectwise.http.redaction import Redactor
from exports.connectwise.http.remote_text import clean_text
from exports.connectwise.http.sites import SiteError
from exports.connectwise.language import gettext as _
from exports.kind_modules import FormField
from exports.models.addresses import address_policy, read_callable_site
from exports.models.codes import ChannelErrorCode
from exports.notifications.errors import ChannelError
from exports.notifications.kind import ChannelKind, Letter, Target

_URL: Final = re.compile(r"[a-z][a-z0-9]{1,30}://\S+", re.IGNORECASE)
# These act on this machine instead of calling a service.
_LOCAL: Final = frozenset(
    [
        *("dbus", "file", "gio", "glib", "gnome", "kde", "macosx", "qt", "syslog", "windows"),
        *("mailto", "mailtos", "smpp", "smpps", "rsyslog"),
    ]
)
_MAX_HOSTS: Final = 5


def read_service(text: str) -> str:
    """A URL that Apprise knows. Raises ValueError with a sentence."""
    url = text.strip()
    if not _URL.fullmatch(url) or not url.isprintable():
        raise ValueError(
            _("Write one URL as Apprise describes it for the service, such as ntfys://topic.")
        )
    if url.partition("://")[0].lower() in _LOCAL:
        raise ValueError(
            _("This kind is not used here: it would act on the server itself, or is E-mail.")
        )
    if not unavailable_reason() and _plugin(url) is None:
        raise ValueError(_("Apprise cannot read this URL: compare it with its description."))
    return url


def read_hosts(text: str) -> str:
    """Hosts with ports, one a line. Raises ValueError with a sentence."""
    typed = [part.strip() for part in re.split(r"[,;\s]+", text) if part.strip()]
    if len(typed) > _MAX_HOSTS:
        raise ValueError(_("Name five hosts at most, those that the service is called at."))
    found = []
    for part in typed:
        try:
            site = read_callable_site(f"https://{part}")
        except (SiteError, AddressRefusedError) as error:
            raise ValueError(str(error)) from error
        if "/" in part:
            raise ValueError(_("Write hosts alone, without https:// and paths."))
        found.append(str(site).removeprefix("https://"))
    return "\n".join(dict.fromkeys(found))


def unavailable_reason() -> str:
    if not installation.CWEXPORT_APPRISE:
        return _(
            "Apprise is switched off: the operator installs it (pip install apprise) and sets "
            "CWEXPORT_APPRISE=on."
        )
    if find_spec("apprise") is None:
        return _("Apprise is not installed: the operator runs pip install apprise.")
    return ""


class AppriseUrl(ChannelKind):
    code = "apprise"
    label = gettext_lazy("Another service, by Apprise")
    lead = gettext_lazy("ntfy, Telegram, Matrix and some hundred others, each by its Apprise URL.")
    fields = (
        FormField(
            "url",
            gettext_lazy("Apprise URL"),
            gettext_lazy(
                "As Apprise describes it for the service, e.g. ntfys://topic. It holds keys, so it "
                "is stored encrypted and never shown."
            ),
            type="url",
            is_secret=True,
            max_length=1000,
            required_sentence=gettext_lazy("Type the URL of the service."),
            clean=read_service,
        ),
        FormField(
            "hosts",
            gettext_lazy("Hosts it may call"),
            gettext_lazy(
                "One a line, e.g. ntfy.sh or api.telegram.org. Nothing else is called, whatever "
                "the service answers."
            ),
            type="lines",
            is_bound=True,
            max_length=1000,
            required_sentence=gettext_lazy("Name the hosts that the service is called at."),
            clean=read_hosts,
        ),
    )

    def where(self, settings: Mapping[str, Any]) -> str:
        return ", ".join(str(settings.get("hosts", "")).split("\n"))

    def unavailable_reason(self) -> str:
        return unavailable_reason()

    def send(self, target: Target, letter: Letter) -> str:
        if reason := unavailable_reason():
            raise ChannelError(ChannelErrorCode.NOT_SET_UP, reason)
        if not outgoing.is_installed():
            message = _("Apprise is only used behind the fence of cwexport's processes.")
            raise ChannelError(ChannelErrorCode.NOT_SET_UP, message)
        url = target.secrets.get("url", "")
        plugin = _plugin(url)
        if plugin is None:
            message = _("Apprise cannot read the URL of the channel: enter it anew.")
            raise ChannelError(ChannelErrorCode.REFUSED, message)
        said = _notify(plugin, target, letter, is_plain=_is_plain(plugin, url))
        service = {"service": str(plugin.service_name)}
        if said is None:
            return _("%(service)s took it.") % service
        redactor = Redactor(*re.split(r"[/:@?&=]+", url), url)
        raise ChannelError(
            ChannelErrorCode.REFUSED,
            _("%(service)s did not take it: %(said)s. Check the URL and the hosts of the channel.")
            % {**service, "said": clean_text(redactor.redact(said), 300).rstrip(".")},
        )


def _notify(plugin: Any, target: Target, letter: Letter, *, is_plain: bool) -> str | None:
    """None when it was taken, else what Apprise logged."""
    library = import_module("apprise")
    with ExitStack() as stack:
        for host in str(target.settings.get("hosts", "")).split("\n"):
            parts = urlsplit(f"//{host}")
            allowed = outgoing.allow(
                parts.hostname or "",
                parts.port or (80 if is_plain else 443),
                f"channel {target.name}",
                policy=address_policy(),
                scheme="http" if is_plain else "https",
            )
            stack.enter_context(allowed)
        log = stack.enter_context(library.LogCapture(level=library.logging.WARNING))
        is_sent = plugin.notify(body=letter.text, title=letter.subject)
        return None if is_sent else (log.getvalue() or "?")


def _is_plain(plugin: Any, url: str) -> bool:
    """Whether the service is called without encryption, as json:// is."""
    names = plugin.protocol or ()
    plain = (names,) if isinstance(names, str) else tuple(names)
    return url.partition("://")[0].lower() in plain


def _plugin(url: str) -> Any:
    library: Any = import_module("apprise")
    return library.Apprise.instantiate(url, suppress_exceptions=True)


KIND = AppriseUrl()
