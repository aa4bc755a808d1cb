"""Time zone and language of the installation."""

from zoneinfo import ZoneInfo

from cwexport.settings.data_folder import BASE_DIR
from cwexport.settings.environment import checked, read_choice, read_text

TIME_ZONE = read_text("TIME_ZONE", "UTC")
checked("TIME_ZONE", "Write an IANA name such as Europe/Berlin.", ZoneInfo, [TIME_ZONE])
USE_TZ = True
# One language for the whole installation, so no LocaleMiddleware: logs, manifests and errors are
# written once, and pages in the browser's language would mix two languages.
_LANGUAGES = {"en": ("en-gb", "English"), "de": ("de", "Deutsch")}
CWEXPORT_LANGUAGE = read_choice(
    "CWEXPORT_LANGUAGE", "en", set(_LANGUAGES), "en for English or de for German"
)
# What channels may be told in, each in its own (N1).
CWEXPORT_MESSAGE_LANGUAGES = _LANGUAGES
LANGUAGES = [_LANGUAGES[CWEXPORT_LANGUAGE]]
LANGUAGE_CODE = LANGUAGES[0][0]
LOCALE_PATHS = [BASE_DIR / "exports" / "locale"]
USE_I18N = True
USE_THOUSAND_SEPARATOR = True
