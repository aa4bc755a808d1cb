"""The codes by which programs recognise an error."""

from exports.connectwise.http.addresses import AddressRefusedError
from exports.connectwise.http.errors import ConnectWiseError
from exports.connectwise.http.sites import SiteError


def _subclasses(kind: type) -> list[type]:
    return [found for sub in kind.__subclasses__() for found in (sub, *_subclasses(sub))]


def test_error_codes_are_stable() -> None:
    codes = {kind.__name__: kind.code for kind in _subclasses(ConnectWiseError)}

    assert codes == {
        "StoppedError": "connectwise.stopped",
        "AddressBlockedError": "connectwise.address_blocked",
        "CertificateError": "connectwise.certificate",
        "UnreachableError": "connectwise.unreachable",
        "AuthenticationError": "connectwise.authentication",
        "ForbiddenError": "connectwise.forbidden",
        "RejectedError": "connectwise.rejected",
        "NotFoundError": "connectwise.not_found",
        "ThrottledError": "connectwise.throttled",
        "ServerFailedError": "connectwise.server_failed",
        "WrongShapeError": "connectwise.wrong_shape",
        "AnswerTooLargeError": "connectwise.answer_too_large",
    }
    assert SiteError.code == "connectwise.site"
    assert AddressRefusedError.code == "connectwise.address_blocked"
