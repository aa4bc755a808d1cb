"""What WebDAV and HTTPS upload share: requests by our own transport, and answers in words."""

from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from django.utils.translation import gettext_lazy

from exports.connectwise.http.transport import Response
from exports.connectwise.language import gettext as _
from exports.connectwise.language import gettext_noop
from exports.delivery.errors import DeliveryError
from exports.delivery.kind import Target
from exports.delivery.network_faults import make_uploader, network_faults
from exports.kind_modules import FormField
from exports.models.codes import DeliveryErrorCode
from exports.product import user_agent

LOGIN_FIELDS = (
    FormField(
        "user",
        gettext_lazy("User"),
        gettext_lazy("Blank without a login, or with a token."),
        is_required=False,
        is_bound=True,
    ),
    FormField(
        "password",
        gettext_lazy("Password"),
        gettext_lazy("The user's password."),
        is_required=False,
        is_secret=True,
    ),
    FormField(
        "token",
        gettext_lazy("Token"),
        gettext_lazy("Instead of user and password: a bearer token."),
        is_required=False,
        is_secret=True,
        max_length=5_000,
    ),
)
# Of statuses: their code, and the sentence.
_REFUSALS: dict[int, tuple[str, str]] = {
    401: (
        DeliveryErrorCode.LOGIN_REFUSED,
        gettext_noop("%(host)s refused the login (401): check user, password or token."),
    ),
    403: (
        DeliveryErrorCode.NOT_PERMITTED,
        gettext_noop("%(host)s lets this user write nothing there (403)."),
    ),
    404: (
        DeliveryErrorCode.FOLDER_MISSING,
        gettext_noop("%(host)s knows no such address (404): correct it, or create the folder."),
    ),
    405: (
        DeliveryErrorCode.REJECTED,
        gettext_noop("%(host)s takes no files at this address (405): check it."),
    ),
    409: (
        DeliveryErrorCode.FOLDER_MISSING,
        gettext_noop("The folder is not there (409): create it, or correct the address."),
    ),
    413: (
        DeliveryErrorCode.REJECTED,
        gettext_noop("The file is larger than %(host)s takes (413): ask who runs it."),
    ),
    423: (
        DeliveryErrorCode.NOT_WRITTEN,
        gettext_noop("The file on %(host)s is locked (423): somebody may have it open."),
    ),
    507: (DeliveryErrorCode.DISK_FULL, gettext_noop("%(host)s has no room left (507).")),
}


class WebCaller:
    """Requests to one host, with its login."""

    def __init__(self, url: str, target: Target, is_over: Callable[[], bool]) -> None:
        self.url = url
        self.host = urlsplit(url).netloc
        self._headers = {"User-Agent": user_agent(), **authorization(target)}
        self._uploader = make_uploader(is_over)

    def send(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: Any = None
    ) -> Response:
        """Raises DeliveryError for the network, not for a status."""
        with network_faults(self.host):
            return self._uploader.send(method, url, {**self._headers, **(headers or {})}, body)

    def demand(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: Any = None
    ) -> Response:
        """Raises DeliveryError unless the answer is a success."""
        answer = self.send(method, url, headers, body)
        if answer.status // 100 != 2:
            raise self.refusal(answer.status)
        return answer

    def refusal(self, status: int) -> DeliveryError:
        params = {"host": self.host, "status": status}
        if status in _REFUSALS:
            code, sentence = _REFUSALS[status]
            return DeliveryError(code, _(sentence) % params)
        if status // 100 == 3:
            message = _(
                "%(host)s redirects (%(status)s), which is not followed: type the address it "
                "leads to."
            )
            return DeliveryError(DeliveryErrorCode.REJECTED, message % params)
        message = _("%(host)s answered %(status)s instead of taking the file.")
        return DeliveryError(DeliveryErrorCode.REJECTED, message % params)

    def close(self) -> None:
        self._uploader.close()


def authorization(target: Target) -> dict[str, str]:
    user, password = target.address.get("user", ""), target.secrets.get("password", "")
    if token := target.secrets.get("token"):
        return {"Authorization": f"Bearer {token}"}
    if user or password:
        pair = b64encode(f"{user}:{password}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}
    return {}


def in_folder(url: str, name: str) -> str:
    """The URL of a file in the folder that `url` names."""
    return f"{url.rstrip('/')}/{quote(name, safe='')}"
