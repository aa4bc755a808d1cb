"""Commands to copy from a page: every value is quoted for the shell that is named."""

import re
import shlex

# PowerShell ends a quoted text at each of these, and reads two of them as one.
_POWERSHELL_QUOTES = re.compile("['\u2018\u2019\u201a\u201b]")


def check_commands(name: str) -> list[tuple[str, str]]:
    """For each system, the command that prints the SHA-256 of a file with this name."""
    # With `./` in front, the name cannot be read as an option.
    path = f"./{name}"
    return [
        ("Linux", f"sha256sum {shlex.quote(path)}"),
        ("macOS", f"shasum -a 256 {shlex.quote(path)}"),
        ("Windows PowerShell", f"Get-FileHash -LiteralPath {_powershell(path)}"),
    ]


def _powershell(text: str) -> str:
    doubled = _POWERSHELL_QUOTES.sub(lambda quote: quote[0] * 2, text)
    return f"'{doubled}'"
