from django.apps import AppConfig
from django.utils.translation import gettext, gettext_lazy, ngettext


class ExportsConfig(AppConfig):
    name = "exports"
    verbose_name = gettext_lazy("ConnectWise exports")

    def ready(self) -> None:
        from exports.connectwise.language import speak
        from exports.number_formats import grouped

        speak(gettext, ngettext, grouped)
