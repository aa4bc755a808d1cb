"""Turns what libraries raise about the network into errors of a delivery."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings

from exports.connectwise.http.addresses import AddressRefusedError
from exports.connectwise.http.errors import CertificateError, ConnectWiseError
from exports.connectwise.http.network_errors import FOREIGN_ERRORS, own_error
from exports.connectwise.http.outgoing import OutgoingRefusedError
from exports.connectwise.http.sockets import StopRequestedError
from exports.connectwise.http.transport import Limits
from exports.connectwise.http.uploads import Uploader
from exports.connectwise.language import gettext as _
from exports.delivery.errors import DeliveryError, DeliveryStoppedError
from exports.models.addresses import address_policy
from exports.models.codes import DeliveryErrorCode

# No wait on the other side lasts longer, but a whole upload may.
CONNECT_WITHIN = 15.0
ANSWER_WITHIN = 40.0
UPLOAD_WITHIN = 12 * 3600.0
_LIMITS = Limits(
    connect=CONNECT_WITHIN, read=ANSWER_WITHIN, total=UPLOAD_WITHIN, max_body_bytes=2_000_000
)


def make_uploader(is_over: Callable[[], bool]) -> Uploader:
    """With the allowed networks, proxy and CA file from the settings."""
    return Uploader(
        policy=address_policy(),
        stop=is_over,
        limits=_LIMITS,
        ca_file=settings.CWEXPORT_CA_FILE or None,
        route=settings.CWEXPORT_ROUTE,
    )


@contextmanager
def network_faults(host: str) -> Iterator[None]:
    """Raise DeliveryError or DeliveryStoppedError for what libraries raise inside."""
    try:
        yield
    except StopRequestedError:
        raise DeliveryStoppedError from None
    except AddressRefusedError as error:
        raise address_blocked(host) from error
    except OutgoingRefusedError as error:
        raise DeliveryError(DeliveryErrorCode.ADDRESS_BLOCKED, str(error)) from error
    except ConnectWiseError as error:
        # The answer could not be read: too large, or in an encoding that was not asked for.
        raise _with_problem(DeliveryErrorCode.UNREACHABLE, error) from error
    except FOREIGN_ERRORS as error:
        raise _of(error, host) from error


def address_blocked(host: str) -> DeliveryError:
    message = _(
        "%(host)s was not called: its address is not public, or the connection would not be "
        "encrypted. If files really go there, the operator lists its network in "
        "CWEXPORT_ALLOWED_NETWORKS."
    )
    return DeliveryError(DeliveryErrorCode.ADDRESS_BLOCKED, message % {"host": host})


def _of(error: Exception, host: str) -> DeliveryError:
    found = own_error(error, host=host, step="upload")
    if isinstance(found.__cause__, AddressRefusedError):
        return address_blocked(host)
    is_certificate = isinstance(found, CertificateError)
    code = DeliveryErrorCode.CERTIFICATE if is_certificate else DeliveryErrorCode.UNREACHABLE
    return _with_problem(code, found)


def _with_problem(code: str, error: ConnectWiseError) -> DeliveryError:
    return DeliveryError(code, _("%(problem)s.") % {"problem": error.problem})
