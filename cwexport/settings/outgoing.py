"""What may be called, and by which way."""

import os
import ssl
from ipaddress import ip_network

from django.core.exceptions import ImproperlyConfigured

from cwexport.settings.environment import checked, read_flag, read_path, read_text, read_words
from exports.connectwise.http.proxy import Route, parse_proxy

# Networks that may be called besides public https addresses (rule C6).
CWEXPORT_ALLOWED_NETWORKS = checked(
    "CWEXPORT_ALLOWED_NETWORKS",
    "Write networks separated by commas, e.g. 10.0.0.0/8,127.0.0.0/8.",
    ip_network,
    read_words("CWEXPORT_ALLOWED_NETWORKS"),
)
CWEXPORT_ALLOW_HTTP = read_flag("CWEXPORT_ALLOW_HTTP")
# The outgoing proxy. It resolves names itself, so it is used only for the listed hosts: another
# name could lead into the proxy's own network.
_proxy_hosts = read_words(
    "CWEXPORT_PROXY_HOSTS",
    "*.myconnectwise.net,staging.connectwisedev.com,api-staging.connectwisedev.com",
)
_proxies = checked(
    "CWEXPORT_PROXY",
    "Write http://host:port or http://user:password@host:port, and in CWEXPORT_PROXY_HOSTS the "
    "hosts to call by it, such as *.myconnectwise.net,cw.example.com.",
    lambda text: parse_proxy(text, _proxy_hosts),
    [text] if (text := read_text("CWEXPORT_PROXY")) else [],
)
CWEXPORT_ROUTE = Route(
    proxy=_proxies[0] if _proxies else None,
    is_environment_ignored=any(
        os.environ.get(name) for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
    ),
)


def _ca_file() -> str:
    file = str(read_path("CWEXPORT_CA_FILE") or "")
    try:
        if file:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except OSError as error:
        raise ImproperlyConfigured(
            f"CWEXPORT_CA_FILE is {file!r}, which cannot be used ({error.strerror or error}). "
            "Name a readable file with certificates in PEM format."
        ) from error
    return file


CWEXPORT_CA_FILE = _ca_file()
CONNECTWISE_CLIENT_ID = read_text("CONNECTWISE_CLIENT_ID")
