"""An independent, unchanged client from PyPI works with the stand-in."""

import pytest
from pyconnectwise import ConnectWiseManageAPIClient
from pyconnectwise.exceptions import AuthenticationFailedException
from pyconnectwise.types import ConnectWiseManageRequestParams

from exports.demo.server import StandIn
from tests.demo.certificates import Certificates

# Warnings about its use of pydantic, when its models are imported.
pytestmark = pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince20")


@pytest.fixture
def client(
    tls_stand_in: StandIn, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> ConnectWiseManageAPIClient:
    """pyconnectwise speaks https only; it is only told the authority and the address."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificates.authority))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return _client(tls_stand_in, tls_stand_in.account.private_key)


def _client(stand_in: StandIn, private_key: str) -> ConnectWiseManageAPIClient:
    account = stand_in.account
    return ConnectWiseManageAPIClient(
        account.company,
        f"127.0.0.1:{stand_in.port}",
        account.client_id,
        account.public_key,
        private_key,
    )


@pytest.mark.parametrize("page_size", [7, 60, 1000])
def test_pyconnectwise_lists_all_batches_over_its_own_paging(
    client: ConnectWiseManageAPIClient, tls_stand_in: StandIn, page_size: int
) -> None:
    pages = client.finance.accounting.batches.paginated(1, page_size)
    listed = [batch.model_dump(by_alias=True, exclude_none=True) for batch in pages.all()]
    assert listed == tls_stand_in.store.records


def test_pyconnectwise_filters_counts_and_gets_one(
    client: ConnectWiseManageAPIClient, tls_stand_in: StandIn
) -> None:
    conditions: ConnectWiseManageRequestParams = {
        "conditions": "(closedFlag = True) and lastUpdated > [2016-01-01T00:00:00Z]"
    }
    expected = [
        record["id"]
        for record in tls_stand_in.store.records
        if record.get("closedFlag") and record["_info"]["lastUpdated"] > "2016-01-01T00:00:00Z"
    ]
    assert expected
    batches = client.finance.accounting.batches
    listed = batches.paginated(1, 10, conditions.copy()).all()
    assert [batch.id for batch in listed] == expected
    assert batches.count.get(params=conditions).count == len(expected)
    assert batches.id(284).get().batch_identifier == "20191015172525"


def test_pyconnectwise_is_refused_with_a_wrong_key(
    client: ConnectWiseManageAPIClient, tls_stand_in: StandIn
) -> None:
    stranger = _client(tls_stand_in, "wrong")
    with pytest.raises(AuthenticationFailedException):
        stranger.finance.accounting.batches.get()
