"""Why a single sign-on led to no login: a code for the audit log, a sentence for the person."""

from django.conf import settings
from django.db.models import TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy


class SignOnErrorCode(TextChoices):
    """Stable codes; the labels tell the person at the login page what to do."""

    CANCELLED = "cancelled", gettext_lazy("The login at %(name)s was cancelled.")
    REFUSED_THERE = (
        "refused_there",
        gettext_lazy(
            "%(name)s refused the login. Ask the person who runs this installation whether it is "
            "still registered there."
        ),
    )
    STALE = (
        "stale",
        gettext_lazy(
            "This login was begun too long ago, in another browser, or was used already. Begin "
            "again with the button below."
        ),
    )
    UNREACHABLE = (
        "unreachable",
        gettext_lazy(
            "%(name)s could not be reached. Try again in a minute; if it stays so, ask the person "
            "who runs this installation."
        ),
    )
    NO_ANSWER = (
        "no_answer",
        gettext_lazy(
            "%(name)s did not answer in time. Try again in a minute; if it stays so, ask the "
            "person who runs this installation."
        ),
    )
    NONSENSE = (
        "nonsense",
        gettext_lazy(
            "%(name)s answered something that cannot be understood. Ask the person who runs this "
            "installation."
        ),
    )
    OTHER_ISSUER = (
        "other_issuer",
        gettext_lazy(
            "What %(name)s sent was issued by somebody else. Ask the person who runs this "
            "installation to compare CWEXPORT_OIDC_ISSUER with the provider."
        ),
    )
    OTHER_AUDIENCE = (
        "other_audience",
        gettext_lazy(
            "What %(name)s sent is meant for another program. Ask the person who runs this "
            "installation to compare CWEXPORT_OIDC_CLIENT_ID with the provider."
        ),
    )
    BAD_SIGNATURE = (
        "bad_signature",
        gettext_lazy(
            "What %(name)s sent is not signed by it. Ask the person who runs this installation."
        ),
    )
    OTHER_LOGIN = (
        "other_login",
        gettext_lazy(
            "What %(name)s sent belongs to another login. Begin again with the button below."
        ),
    )
    TOO_WEAK = (
        "too_weak",
        gettext_lazy(
            "%(name)s does not say that you proved who you are in the way this installation asks "
            "for, such as with a second factor. Set one up there, then log in again."
        ),
    )
    CLOCKS = (
        "clocks",
        gettext_lazy(
            "By the clock of this server, what %(name)s sent has expired or is not valid yet: the "
            "two clocks differ by minutes. Ask the person who runs this installation to set the "
            "server's clock by a time service."
        ),
    )
    BUSY = (
        "busy",
        gettext_lazy("Other logins are being checked at this moment. Try again in a few seconds."),
    )
    NO_ROLE = (
        "no_role",
        gettext_lazy(
            "%(name)s knows you, but you are in none of the groups that may use this "
            "installation. Ask %(admins)s for a role."
        ),
    )
    TOO_MANY_GROUPS = (
        "too_many_groups",
        gettext_lazy(
            "You are in so many groups that %(name)s leaves them out. Ask the person who runs this "
            "installation to give roles by app roles instead of groups."
        ),
    )
    NAME_TAKEN = (
        "name_taken",
        gettext_lazy(
            "There is a user of your name here already, who is not connected with %(name)s. If "
            "that is you, log in with your password and press Connect on the page Login and second "
            "factor; else ask %(admins)s."
        ),
    )
    DEACTIVATED = (
        "deactivated",
        gettext_lazy("Your user has been deactivated here. Ask %(admins)s."),
    )
    ALREADY_CONNECTED = (
        "already_connected",
        gettext_lazy("This login at %(name)s is connected with another user already."),
    )


class SignOnError(Exception):
    """No login, and nothing was changed. `detail` is for log and audit: it holds no token."""

    def __init__(self, code: SignOnErrorCode, detail: str = "", *, who: str = "") -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail
        # The name that the provider gave, where it was proven.
        self.who = who

    def sentence(self, admins: str = "") -> str:
        return sentence_of(self.code, admins)


def sentence_of(code: SignOnErrorCode, admins: str = "") -> str:
    """What the person reads, and the audit log; `admins` are whom to ask."""
    sign_on = settings.CWEXPORT_SIGN_ON
    name = sign_on.name if sign_on else _("The provider")
    return str(code.label) % {
        "name": name,
        "admins": admins or _("the person who runs this installation"),
    }
