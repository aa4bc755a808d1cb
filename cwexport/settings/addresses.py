"""Where people reach this installation, and what stands before it."""

from django.core.exceptions import ImproperlyConfigured

from cwexport.public_url import split_public_url
from cwexport.settings.environment import checked, read_flag, read_number, read_text, read_words

DEBUG = read_flag("DEBUG")
# The URL at which people reach this installation: that of the outermost proxy.
CWEXPORT_PUBLIC_URL = read_text("CWEXPORT_PUBLIC_URL", "")
[public_url] = checked(
    "CWEXPORT_PUBLIC_URL",
    "Write the address that people type, e.g. https://cw.example.com:8443/cwexport.",
    split_public_url,
    [CWEXPORT_PUBLIC_URL or "http://localhost"],
)
CWEXPORT_PUBLIC_URL = public_url.geturl() if CWEXPORT_PUBLIC_URL else ""
FORCE_SCRIPT_NAME = public_url.path or None
ALLOWED_HOSTS = read_words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
if not ALLOWED_HOSTS:
    raise ImproperlyConfigured("ALLOWED_HOSTS is empty: name the host people type, e.g. cw.lan.")
for _host in ALLOWED_HOSTS:
    if "/" in _host or (":" in _host and not _host.startswith("[")):
        raise ImproperlyConfigured(
            f"ALLOWED_HOSTS has {_host!r}: write host names without scheme and port, e.g. cw.lan."
        )
if CWEXPORT_PUBLIC_URL:
    _name = public_url.hostname or ""
    ALLOWED_HOSTS.append(f"[{_name}]" if ":" in _name else _name)

# Behind an https proxy: cookies only over https, and the proxy's header is trusted.
CWEXPORT_BEHIND_HTTPS = read_flag(
    "CWEXPORT_BEHIND_HTTPS", "true" if public_url.scheme == "https" else "false"
)
CWEXPORT_HSTS_SUBDOMAINS = read_flag("CWEXPORT_HSTS_SUBDOMAINS", "off")
CSRF_TRUSTED_ORIGINS = [f"{public_url.scheme}://{public_url.netloc}"] if CWEXPORT_PUBLIC_URL else []
if CWEXPORT_BEHIND_HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000
    # Only who owns the domain knows whether all hosts below this one speak https.
    SECURE_HSTS_INCLUDE_SUBDOMAINS = CWEXPORT_HSTS_SUBDOMAINS
    CSRF_TRUSTED_ORIGINS += [
        f"https://*{host}" if host.startswith(".") else f"https://{host}"
        for host in ALLOWED_HOSTS
        if host != "*"
    ]
# How many proxies are in front of this installation; each adds its client's address to
# X-Forwarded-For. Addresses added by anyone else are ignored.
CWEXPORT_TRUSTED_PROXIES = read_number(
    "CWEXPORT_TRUSTED_PROXIES", 1 if CWEXPORT_BEHIND_HTTPS else 0, 0, 10
)
