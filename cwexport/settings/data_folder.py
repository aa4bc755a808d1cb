"""The data folder, what lies in it, and the secrets that are made there."""

import os
import re
import tempfile
from pathlib import Path

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from cwexport import local_secrets
from cwexport.settings.environment import checked, read_path, read_text, read_words
from exports.storage.places import Place, StorageKeys, read_place

BASE_DIR = Path(__file__).resolve().parents[2]


def _whole_path(text: str) -> Path:
    path = Path(text)
    if not path.is_absolute():
        raise ValueError(text)
    return path


# Holds everything that must survive an upgrade: database, files, generated secrets.
CWEXPORT_DATA_DIR = read_path("CWEXPORT_DATA_DIR") or BASE_DIR / "var"
# The export folder; empty means `exports` in the data folder.
CWEXPORT_EXPORT_DIR = read_path("CWEXPORT_EXPORT_DIR")
# Other folders that destinations may write to, and below them; empty means none.
CWEXPORT_DELIVERY_FOLDERS = checked(
    "CWEXPORT_DELIVERY_FOLDERS",
    "Write whole paths separated by commas, e.g. /srv/pickup.",
    _whole_path,
    read_words("CWEXPORT_DELIVERY_FOLDERS"),
)
CWEXPORT_STORAGE_KEYS = StorageKeys(
    access_key=read_text("AWS_ACCESS_KEY_ID"),
    secret_key=read_text("AWS_SECRET_ACCESS_KEY"),
    session_token=read_text("AWS_SESSION_TOKEN"),
    region=read_text("AWS_REGION"),
    endpoint=read_text("AWS_ENDPOINT_URL"),
)


def _files_place() -> Place | None:
    text = read_text("CWEXPORT_FILES")
    try:
        return read_place(text, CWEXPORT_STORAGE_KEYS) if text else None
    except ValueError as error:
        raise ImproperlyConfigured(f"CWEXPORT_FILES cannot be used. {error}") from error


# Where the files of runs are kept: a folder, or s3://bucket/prefix; None means the data folder.
CWEXPORT_FILES = _files_place()
# Files may contain passwords, sessions and encrypted keys: everything created from here on, also by
# SQLite, can be read by this user only.
os.umask(0o077)


def _make_temporary_folder() -> None:
    """The system's own may be missing, as in a container with a read-only root."""
    try:
        tempfile.gettempdir()
    except FileNotFoundError:
        tempfile.tempdir = os.environ["SQLITE_TMPDIR"] = str(CWEXPORT_DATA_DIR / "tmp")
        Path(tempfile.tempdir).mkdir(mode=0o700, exist_ok=True)


def _secrets() -> tuple[str, list[str]]:
    """The secret key and the encryption keys, made in the data folder where none are set."""
    try:
        CWEXPORT_DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make_temporary_folder()
        return (
            read_text("SECRET_KEY") or local_secrets.secret_key(CWEXPORT_DATA_DIR),
            read_words("CWEXPORT_ENCRYPTION_KEYS")
            or local_secrets.encryption_key(CWEXPORT_DATA_DIR).split(","),
        )
    except OSError as error:
        raise ImproperlyConfigured(
            f"CWEXPORT_DATA_DIR is {CWEXPORT_DATA_DIR}, which cannot be used ({error.strerror}). "
            "Name a folder this user may write to."
        ) from error


SECRET_KEY, CWEXPORT_ENCRYPTION_KEYS = _secrets()
if (
    len(SECRET_KEY) < 50
    or len(set(SECRET_KEY)) < 12
    or re.search(r"(?i)insecure|change.?me|secret|example|password", SECRET_KEY)
):
    raise ImproperlyConfigured(
        "SECRET_KEY can be guessed: write 50 random characters at least, or leave it out, and "
        "this installation makes one for itself."
    )
checked(
    "CWEXPORT_ENCRYPTION_KEYS",
    "Write Fernet keys (44 characters each) separated by commas, the newest first. "
    "`python -c 'from cryptography.fernet import Fernet; "
    "print(Fernet.generate_key().decode())'` makes one.",
    Fernet,
    CWEXPORT_ENCRYPTION_KEYS,
)
