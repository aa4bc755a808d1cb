"""The connection of an SFTP session: address, host key, login, and its errors in words."""

import base64
import hashlib
import io
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import paramiko

from exports.connectwise.http.sockets import Watch, dial
from exports.connectwise.language import gettext as _
from exports.connectwise.language import gettext_noop
from exports.delivery.errors import DeliveryError, DeliveryStoppedError
from exports.delivery.kind import FieldError, Target
from exports.delivery.network_faults import CONNECT_WITHIN, network_faults
from exports.models.addresses import address_policy
from exports.models.codes import DeliveryErrorCode

_ANSWER_WITHIN = 30.0
_LOG_IN_WITHIN = 20.0
_LOOK_EVERY = 0.2
_KEY_TYPES = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)
# Which algorithms use a pinned key, so that a server with several keys shows the same again.
_ALGORITHMS = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256")}


class SftpConnection:
    """Each method is a step, and returns what was found in a sentence."""

    def __init__(self, target: Target, is_over: Callable[[], bool]) -> None:
        self._target = target
        self._host: str = target.address["host"]
        self._port: int = target.address.get("port", 22)
        self._is_over = is_over
        self._closed = threading.Event()
        self._transport: paramiko.Transport | None = None
        self._client: paramiko.SFTPClient | None = None
        self.host_key = ""

    @property
    def sftp(self) -> paramiko.SFTPClient:
        if self._client is None:
            raise DeliveryStoppedError
        return self._client

    def close(self) -> None:
        self._closed.set()
        if self._transport is not None:
            self._transport.close()

    def connect(self) -> str:
        with network_faults(self._host):
            watched = dial(
                self._host,
                self._port,
                scheme="https",
                policy=address_policy(),
                watch=Watch(self._is_over),
                seconds=CONNECT_WITHIN,
            )
        # The library waits in a thread of its own, which knows no watch.
        plain = socket.socket(fileno=watched.detach())
        with self.faults():
            self._transport = _transport(plain, self._target.host_key)
            threading.Thread(target=self._hang_up_when_over, daemon=True).start()
            self._transport.start_client(timeout=_LOG_IN_WITHIN)
        key = self._transport.get_remote_server_key()
        self.host_key = f"{key.get_name()} {key.get_base64()}"
        params = {"host": self._host, "port": self._port}
        return _("%(host)s answers at port %(port)s.") % params

    def check_host_key(self) -> str:
        """Before any secret is sent (rule D1)."""
        shown = {"fingerprint": fingerprint(self.host_key)}
        pinned = self._target.host_key
        if not pinned and self._target.may_pin:
            message = _(
                "Pinned from now on: %(fingerprint)s. Compare it with what the server's operator "
                "names."
            )
            return message % shown
        if not pinned:
            message = _("No host key is pinned yet: test the destination first.")
            raise DeliveryError(DeliveryErrorCode.HOST_KEY_UNKNOWN, message)
        if pinned != self.host_key:
            raise _host_key_changed(pinned, fingerprint(self.host_key))
        return _("It is the pinned one: %(fingerprint)s.") % shown

    def log_in(self) -> str:
        transport = self._transport
        assert transport is not None  # noqa: S101 - connected in the step before
        user, password = self._target.address["user"], self._target.secrets.get("password", "")
        transport.auth_timeout = _LOG_IN_WITHIN
        with self.faults():
            if key := self._target.secrets.get("private_key"):
                left = transport.auth_publickey(user, read_key(key, password))
                if left and password:
                    left = transport.auth_password(user, password)
            else:
                left = transport.auth_password(user, password)
            if left:
                message = _("The server asks for more than was given: %(methods)s.")
                raise DeliveryError(
                    DeliveryErrorCode.LOGIN_REFUSED, message % {"methods": ", ".join(left)}
                )
            channel = transport.open_session(
                window_size=8 * 1024 * 1024, max_packet_size=64 * 1024, timeout=_ANSWER_WITHIN
            )
            channel.settimeout(_ANSWER_WITHIN)
            channel.invoke_subsystem("sftp")
            self._client = paramiko.SFTPClient(channel)
        return _("The server accepts %(user)s.") % {"user": user}

    def _hang_up_when_over(self) -> None:
        """End whatever the library waits for, within a tick after a stop."""
        while not self._closed.wait(_LOOK_EVERY):
            if self._is_over() and self._transport is not None:
                self._transport.close()
                return

    @contextmanager
    def faults(self) -> Iterator[None]:
        """Raise DeliveryError for what the library raises inside."""
        try:
            yield
        except (OSError, EOFError, paramiko.SSHException) as error:
            if self._is_over():
                raise DeliveryStoppedError from None
            raise _error_of(error, self._host, self._target.host_key) from error


def fingerprint(host_key: str) -> str:
    """As OpenSSH shows it: `ssh-ed25519 SHA256:…`."""
    name, _blank, blob = host_key.partition(" ")
    digest = hashlib.sha256(base64.b64decode(blob)).digest()
    return f"{name} SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def _transport(sock: socket.socket, pinned: str) -> paramiko.Transport:
    transport = paramiko.Transport(sock)
    transport.banner_timeout = transport.handshake_timeout = _LOG_IN_WITHIN
    options = transport.get_security_options()
    if pinned:
        kind = pinned.partition(" ")[0]
        wanted = [one for one in _ALGORITHMS.get(kind, (kind,)) if one in options.key_types]
        if wanted:
            options.key_types = wanted
    # Encryption with its own proof of integrity first: half the work for each packet.
    fast = [one for one in options.ciphers if "gcm" in one]
    options.ciphers = [*fast, *(one for one in options.ciphers if one not in fast)]
    return transport


def read_key(text: str, passphrase: str) -> paramiko.PKey:
    """Raises FieldError."""
    content = text.strip().replace("\r\n", "\n") + "\n"
    for kind in _KEY_TYPES:
        try:
            return kind.from_private_key(io.StringIO(content), passphrase or None)
        except paramiko.PasswordRequiredException:
            message = _("The key has a passphrase: type it as the password.")
            raise FieldError("password", message) from None
        except (paramiko.SSHException, ValueError, IndexError):
            continue
    raise FieldError(
        "private_key",
        _(
            "This is no private key that can be read: paste the whole text, from BEGIN to END, of "
            "an Ed25519, ECDSA or RSA key, and its passphrase as the password."
        ),
    )


def _host_key_changed(pinned: str, shown: str) -> DeliveryError:
    message = _(
        "The server shows another host key (%(shown)s) than the pinned one (%(pinned)s), so "
        "nothing was sent. If its operator confirms the change, forget the pinned key on the "
        "destination's page and test again."
    )
    params = {"shown": shown, "pinned": fingerprint(pinned)}
    return DeliveryError(DeliveryErrorCode.HOST_KEY_CHANGED, message % params)


def is_unsupported(error: OSError) -> bool:
    return error.errno is None and "unsupported" in str(error).lower()


def _error_of(error: Exception, host: str, pinned: str) -> DeliveryError:
    if isinstance(error, paramiko.ssh_exception.IncompatiblePeer) and pinned:
        return _host_key_changed(pinned, _("of another kind"))
    params = {"host": host, "reason": str(error)[:200] or type(error).__name__}
    for kind, code, sentence in _FAULTS:
        if isinstance(error, kind):
            return DeliveryError(code, _(sentence) % params)
    if isinstance(error, OSError) and error.errno is None and error.args:
        # What the server says in its own words, such as Failure for a full disk.
        message = _(
            "%(host)s could not write the file and says “%(reason)s”: its disk may be full, or its "
            "quota used up."
        )
        return DeliveryError(DeliveryErrorCode.NOT_WRITTEN, message % params)
    message = _("The connection to %(host)s ended before the file was there (%(reason)s).")
    return DeliveryError(DeliveryErrorCode.UNREACHABLE, message % params)


_FAULTS: tuple[tuple[type[Exception], str, str], ...] = (
    (
        paramiko.AuthenticationException,
        DeliveryErrorCode.LOGIN_REFUSED,
        gettext_noop("%(host)s refused the login: check user, password and key."),
    ),
    (
        FileNotFoundError,
        DeliveryErrorCode.FOLDER_MISSING,
        gettext_noop("The folder is not there: create it, or correct it here."),
    ),
    (
        PermissionError,
        DeliveryErrorCode.NOT_PERMITTED,
        gettext_noop("The user may not write there."),
    ),
    (
        TimeoutError,
        DeliveryErrorCode.UNREACHABLE,
        gettext_noop("%(host)s did not answer in time."),
    ),
)
