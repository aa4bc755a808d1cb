"""The settings of the test installation: the real ones, in a folder of its own."""

import os
import tempfile
from pathlib import Path

# Read once by every process of the test run; xdist's workers each get their own folder.
_folder = Path(tempfile.mkdtemp(prefix="cwexport-tests-"))
os.environ.update(
    {
        "CWEXPORT_DATA_DIR": str(_folder),
        "CWEXPORT_ALLOWED_NETWORKS": "127.0.0.0/8,::1/128",
        "CWEXPORT_ALLOW_HTTP": "true",
        "ALLOWED_HOSTS": "localhost,127.0.0.1,testserver",
        "TIME_ZONE": "UTC",
        # Schemathesis asks without a pause.
        "CWEXPORT_API_REQUESTS_PER_MINUTE": "1000000",
    }
)
for _name in (
    "SECRET_KEY",
    "DATABASE_URL",
    "CWEXPORT_ENCRYPTION_KEYS",
    "DEBUG",
    "CONNECTWISE_CLIENT_ID",
):
    os.environ.pop(_name, None)

# SQLite unless a PostgreSQL to test on is named, e.g. postgres://user:password@localhost/name.
if "CWEXPORT_TEST_DATABASE_URL" in os.environ:
    os.environ["DATABASE_URL"] = os.environ["CWEXPORT_TEST_DATABASE_URL"]

from cwexport.settings import *  # noqa: E402, F403
from cwexport.settings import DATABASES, STORAGES  # noqa: E402

# Static files are served from their sources, but WhiteNoise still needs its folder.
(_folder / "static").mkdir()
# A file, so that a worker in another process sees the same rows.
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["TEST"] = {"NAME": str(_folder / "test.sqlite3")}
else:
    # A test may wait within its transaction for as long as it likes.
    DATABASES["default"]["OPTIONS"].pop("options")
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
