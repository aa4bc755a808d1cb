"""Where run files may be kept, and what is refused at start in a sentence (Q1)."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from exports.models import Installation, Task
from exports.storage import files
from exports.storage.belonging import adopt_folder
from exports.storage.places import S3Place, StorageKeys, read_place
from exports.workers.start_checks import StartError, check_start
from tests.conftest import run_now
from tests.stores import BUCKET, KEYS, S3Server, client_of, running_server

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
SECRET = KEYS["AWS_SECRET_ACCESS_KEY"]
GIVEN = StorageKeys(access_key=KEYS["AWS_ACCESS_KEY_ID"], secret_key=SECRET)


def test_bucket_is_read_with_its_parts() -> None:
    text = "s3://batches/acme/files?endpoint=https://minio.example.com:9000&region=eu-central-1"
    place = read_place(text, GIVEN)

    assert isinstance(place, S3Place)
    assert (place.bucket, place.prefix) == ("batches", "acme/files/")
    assert (place.endpoint, place.region) == ("https://minio.example.com:9000", "eu-central-1")
    assert str(place) == "s3://batches/acme/files"
    assert SECRET not in repr(place) + repr(GIVEN)


def test_variables_fill_in_what_the_setting_leaves_out() -> None:
    place = read_place("s3://batches", StorageKeys("id", "secret", region="eu-west-1"))
    assert isinstance(place, S3Place)
    assert place.endpoint == "https://s3.eu-west-1.amazonaws.com"
    assert read_place("/srv/files", StorageKeys()) == Path("/srv/files")


@pytest.mark.parametrize(
    ("text", "keys", "sentence"),
    [
        ("gs://batches/acme", GIVEN, "begins with gs://, which is not known"),
        ("files", GIVEN, "Write the folder's whole path"),
        ("s3:///acme", GIVEN, "It names no bucket"),
        ("s3://Batches/acme", GIVEN, "It names no bucket"),
        (f"s3://id:{SECRET}@batches", GIVEN, "It holds a key"),
        ("s3://batches/../acme", GIVEN, "Its prefix"),
        ("s3://batches/a b", GIVEN, "Its prefix"),
        ("s3://batches?secret=1", GIVEN, "secret, which is not known"),
        ("s3://batches?endpoint=minio", GIVEN, "Its endpoint is no address"),
        ("s3://batches?endpoint=https://a:b@minio", GIVEN, "Its endpoint is no address"),
        ("s3://batches?region=EU", GIVEN, "Its region"),
        ("s3://batches", StorageKeys(secret_key=SECRET), "AWS_ACCESS_KEY_ID is not set"),
        ("s3://batches", StorageKeys("id"), "AWS_SECRET_ACCESS_KEY is not set"),
    ],
)
def test_bad_place_is_refused_in_a_sentence(text: str, keys: StorageKeys, sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)) as raised:
        read_place(text, keys)
    assert SECRET not in str(raised.value)


@pytest.fixture(scope="module")
def strict_server() -> Iterator[S3Server]:
    """It knows one key, which may read and list only."""
    with running_server(INITIAL_NO_AUTH_ACTION_COUNT="5") as server:
        people = client_of(server.url, "iam")
        server.client.create_bucket(Bucket=BUCKET)
        people.create_user(UserName="reader")
        made = people.create_access_key(UserName="reader")["AccessKey"]
        policy = (
            '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*", '
            '"Action": ["s3:ListBucket", "s3:GetObject"]}]}'
        )
        people.put_user_policy(UserName="reader", PolicyName="reads", PolicyDocument=policy)
        server.client.list_buckets()
        reader = {"access_key": made["AccessKeyId"], "secret_key": made["SecretAccessKey"]}
        yield S3Server(server.url, server.process, reader)


def refused(settings: Settings, place: Any) -> str:
    settings.CWEXPORT_FILES = place
    with pytest.raises(StartError) as raised:
        check_start()
    assert SECRET not in str(raised.value)
    return str(raised.value)


@pytest.mark.django_db
@pytest.mark.rule("Q1")
def test_start_is_refused_with_a_wrong_key(strict_server: S3Server, settings: Settings) -> None:
    sentence = refused(settings, strict_server.place())
    assert "refused the access key" in sentence
    assert "AWS_ACCESS_KEY_ID" in sentence


@pytest.mark.django_db
def test_start_is_refused_without_the_right_to_write(
    strict_server: S3Server, settings: Settings
) -> None:
    sentence = refused(settings, strict_server.place(**strict_server.client))
    assert "read, write and delete below the prefix" in sentence


@pytest.mark.django_db
def test_start_is_refused_without_the_bucket(s3_server: S3Server, settings: Settings) -> None:
    sentence = refused(settings, s3_server.place(bucket="nowhere"))
    assert "has no bucket nowhere: create it" in sentence


@pytest.mark.django_db
def test_start_is_refused_while_nothing_answers(s3_server: S3Server, settings: Settings) -> None:
    sentence = refused(settings, s3_server.place(endpoint="http://127.0.0.1:9"))
    assert "127.0.0.1:9 did not answer" in sentence


@pytest.mark.django_db
@pytest.mark.rule("O2", "Q1")
def test_second_installation_on_one_prefix_is_refused(
    s3_server: S3Server, settings: Settings
) -> None:
    settings.CWEXPORT_FILES = s3_server.place()
    check_start()
    assert s3_server.all_keys() == ["acme/installation_id"]
    check_start()
    Installation.objects.all().delete()
    settings.CWEXPORT_DATA_DIR = settings.CWEXPORT_DATA_DIR / "another"

    assert "belong to another installation" in refused(settings, s3_server.place())
    settings.CWEXPORT_FILES = s3_server.place(prefix="other/")
    check_start()
    settings.CWEXPORT_FILES = s3_server.place()
    adopt_folder()
    check_start()


@pytest.mark.django_db(transaction=True)
def test_place_without_the_files_is_refused(
    task: Task, s3_server: S3Server, settings: Settings
) -> None:
    """As a share that is not mounted, or a setting changed without moving the files."""
    run_now(task)
    sentence = refused(settings, s3_server.place())
    assert "holds none of them" in sentence
    assert "move_files" in sentence
    assert s3_server.all_keys() == []
    adopt_folder()
    check_start()


@pytest.mark.django_db
def test_folder_that_is_not_there_is_refused(settings: Settings, tmp_path: Path) -> None:
    assert "Create or mount it" in refused(settings, tmp_path / "missing")
    assert not (tmp_path / "missing").exists()
    (tmp_path / "share").mkdir()
    settings.CWEXPORT_FILES = tmp_path / "share"
    check_start()
    assert files.store().read_note("installation_id") == Installation.objects.known_id()
