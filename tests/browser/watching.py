"""Faults that no page may have, collected while a test uses it."""

from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Page, Request, Response

# Chromium logs a violation as well; this report names the directive and the place.
_TELL_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", event => console.error(
    "CSP: " + event.violatedDirective + " forbids " + (event.blockedURI || "inline")
    + (event.sample ? ": " + event.sample : "") + " " + event.sourceFile));
"""
_ASSETS = {"stylesheet", "script", "image", "font", "manifest"}
# Responses to a refused form or for a missing page are not faults.
_EXPECTED_ANSWER = "status of 4"
# What htmx logs when a person stops waiting; a request that fails logs more than its end.
_STOPPED = ("htmx:sendAbort", "htmx:afterRequest")


def watch(page: Page, *, may_fail: bool = False) -> list[str]:
    """A list that fills with faults: errors in the console, violations of the content security
    policy, files that cannot be loaded, requests to another host.

    `may_fail`: the page of a 5xx is asked for on purpose.
    """
    faults: list[str] = []
    expected = "status of" if may_fail else _EXPECTED_ANSWER

    def hear(message: ConsoleMessage) -> None:
        is_fault = expected not in message.text and not message.text.startswith(_STOPPED)
        if message.type == "error" and is_fault:
            faults.append(message.text)

    def check_request(request: Request) -> None:
        if is_foreign(request.url):
            faults.append(f"asked another host: {request.url}")

    def check_response(response: Response) -> None:
        if response.status >= 400 and response.request.resource_type in _ASSETS:
            faults.append(f"{response.status} {response.url}")

    page.add_init_script(_TELL_VIOLATIONS)
    page.on("console", hear)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", check_request)
    page.on("response", check_response)
    return faults


def is_foreign(url: str) -> bool:
    parts = urlsplit(url)
    if parts.scheme in ("data", "blob"):
        return False
    return parts.hostname not in ("localhost", "127.0.0.1")


def slow_down(page: Page) -> None:
    """From now on a bad mobile network: 400 ms to the server and 50 kB a second."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    rate = 50_000
    session.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 400, "downloadThroughput": rate, "uploadThroughput": rate},
    )
