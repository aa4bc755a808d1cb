"""The same export as an integrator would write it: pyconnectwise, its own paging, and lxml."""

import argparse
import json
import os
import time
import warnings
from pathlib import Path
from urllib.parse import urlsplit

from lxml import etree

from exports.demo.account import Account
from tests.benchmarks.used_time import used_seconds

warnings.simplefilter("ignore")  # warnings about its use of pydantic

FIELDS = ("batchIdentifier", "exportInvoicesFlag", "exportExpensesFlag", "exportProductsFlag")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--site", required=True)
    parser.add_argument("--ca-file", required=True)
    parser.add_argument("--page-size", type=int, required=True)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    os.environ |= {"REQUESTS_CA_BUNDLE": options.ca_file, "NO_PROXY": "127.0.0.1"}
    from pyconnectwise import ConnectWiseManageAPIClient

    begun, used = time.monotonic(), used_seconds()
    account = Account()
    client = ConnectWiseManageAPIClient(
        account.company,
        urlsplit(options.site).netloc,
        account.client_id,
        account.public_key,
        account.private_key,
    )
    pages = client.finance.accounting.batches.paginated(1, options.page_size)
    root = etree.Element("Batches")
    for batch in pages.all():
        _append(root, batch.model_dump(by_alias=True))
    etree.ElementTree(root).write(
        str(options.output), encoding="utf-8", xml_declaration=True, pretty_print=True
    )
    measured = {"seconds": time.monotonic() - begun, "cpu_seconds": used_seconds() - used}
    print(json.dumps({**measured, "batches": len(root)}))


def _append(root: etree._Element, batch: dict[str, object]) -> None:
    element = etree.SubElement(root, "Batch")
    etree.SubElement(element, "id").text = str(batch["id"])
    info = batch["_info"]
    assert isinstance(info, dict)
    members = etree.SubElement(element, "_info")
    for name in ("lastUpdated", "updatedBy"):
        etree.SubElement(members, name).text = info.get(name)
    for name in FIELDS:
        value = batch[name]
        if value is not None:
            etree.SubElement(element, name).text = (
                str(value).lower() if value in (True, False) else str(value)
            )


if __name__ == "__main__":
    main()
