from base64 import b64decode

from django.apps import AppConfig
from django.conf import settings
from django.utils.translation import gettext, gettext_lazy, ngettext

from exports.connectwise.http.proxy import Proxy


class ExportsConfig(AppConfig):
    name = "exports"
    verbose_name = gettext_lazy("ConnectWise exports")

    def ready(self) -> None:
        from exports.connectwise.language import speak
        from exports.logs.scrubbing import remember_secrets
        from exports.number_formats import grouped

        speak(gettext, ngettext, grouped)
        remember_secrets(*_own_secrets())


def _own_secrets() -> list[str]:
    """What the settings hold and no log may."""
    proxy = settings.CWEXPORT_ROUTE.proxy
    return [
        settings.SECRET_KEY,
        *settings.CWEXPORT_ENCRYPTION_KEYS,
        settings.CWEXPORT_SMTP_PASSWORD,
        *([settings.CWEXPORT_SIGN_ON.client_secret] if settings.CWEXPORT_SIGN_ON else []),
        settings.CWEXPORT_METRICS_TOKEN,
        settings.DATABASES["default"].get("PASSWORD", ""),
        *([settings.CWEXPORT_QUEUE.password] if settings.CWEXPORT_QUEUE else []),
        *([proxy.authorization.removeprefix("Basic "), _password_of(proxy)] if proxy else []),
    ]


def _password_of(proxy: Proxy) -> str:
    login = b64decode(proxy.authorization.removeprefix("Basic ")).decode("utf-8", "replace")
    return login.partition(":")[2]
