"""Writes the bill of materials: CycloneDX 1.6 as JSON, of what runs in production alone."""

import sys
from pathlib import Path
from typing import Final

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from exports.product import product_version
from tests.supply_chain.packages import (
    ROOT,
    Package,
    asked_for,
    licences,
    needs_of,
    pinned,
    vendored,
)

_TARGET: Final = ROOT / "var" / "cwexport.cdx.json"
_LICENCES: Final = LicenseFactory()


def main(arguments: list[str]) -> int:
    target = Path(arguments[0]) if arguments else _TARGET
    text = bill()
    if fault := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        print(f"The bill of materials is no CycloneDX 1.6: {fault}", file=sys.stderr)
        return 1
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)
    print(f"{target}: {len(pinned()) + len(vendored())} components")
    return 0


def bill() -> str:
    product = Component(
        name="cwexport",
        version=product_version(),
        type=ComponentType.APPLICATION,
        bom_ref="cwexport",
    )
    bom = Bom()
    bom.metadata.component = product
    packages = {package: _component("pypi", package) for package in pinned()}
    files = [_component("npm", Package(*one, "", ())) for one in vendored().items()]
    bom.components.update([*packages.values(), *files])
    direct = [one for package, one in packages.items() if package.name in asked_for()]
    bom.register_dependency(product, [*direct, *files])
    for package, component in packages.items():
        needed = needs_of(package.name)
        bom.register_dependency(
            component, [one for other, one in packages.items() if other.name in needed]
        )
    return JsonV1Dot6(bom).output_as_string(indent=2)


def _component(registry: str, package: Package) -> Component:
    url = PackageURL(registry, name=package.name, version=package.version)
    where = [Property(name="cwexport:installed-where", value=package.marker)]
    return Component(
        name=package.name,
        version=package.version,
        type=ComponentType.LIBRARY,
        bom_ref=str(url),
        purl=url,
        licenses=[_LICENCES.make_from_string(licences()[package.name])],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=one) for one in package.hashes],
        properties=where if package.marker else [],
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
