"""The software bill of materials of what is deployed, in CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/).

It is told from the products themselves, package by package, so that it cannot differ from them; and it names
no moment and no machine, so that the same products have the same bill, byte for byte.
"""

from __future__ import annotations

import hashlib
import zipfile
from email.parser import HeaderParser
from importlib.metadata import version
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from spotcheck.licences import licence_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from email.message import Message
    from pathlib import Path

_BUILT_FOR = "spotcheck:built-for"


def write_sbom(target: Path, products: Iterable[Path], *, architecture: str) -> None:
    """Writes the bill of the deployment zip and the layers.

    Args:
        target: The JSON file to write.
        products: The zips, each a component that holds its packages.
        architecture: Processor that the layers are for.
    """
    bom = Bom()
    bom.metadata.timestamp = None  # type: ignore[assignment]  # optional in CycloneDX; the setter's type is not
    bom.metadata.component = Component(
        name="spotcheck", version=version("spotcheck"), type=ComponentType.APPLICATION, bom_ref="spotcheck"
    )
    files = [_product(path, architecture) for path in sorted(products)]
    bom.components.update(files)
    bom.register_dependency(bom.metadata.component, files)
    digests = " ".join(held.content for file in files for held in file.hashes)
    bom.serial_number = uuid5(NAMESPACE_URL, f"spotcheck {digests}")
    target.write_text(JsonV1Dot6(bom).output_as_string(indent=2) + "\n", encoding="utf-8")


def _product(path: Path, architecture: str) -> Component:
    return Component(
        name=path.name,
        type=ComponentType.FILE,
        bom_ref=path.name,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=hashlib.sha256(path.read_bytes()).hexdigest())],
        properties=[Property(name=_BUILT_FOR, value=architecture)],
        components=_packages(path),
    )


def _packages(product: Path) -> Iterator[Component]:
    """The Python packages in a zip, from the metadata that they bring along."""
    with zipfile.ZipFile(product) as archive:
        names = archive.namelist()
        for name in sorted(names):
            if name.endswith(".dist-info/METADATA"):
                yield _component(HeaderParser().parsestr(archive.read(name).decode()), product.name)
        if "chalice/app.py" in names:  # Chalice puts its own runtime into the zip, without metadata
            yield Component(
                name="chalice",
                version=version("chalice"),
                bom_ref=f"{product.name}#chalice",
                purl=PackageURL("pypi", None, "chalice", version("chalice")),
                licenses=[LicenseExpression("Apache-2.0")],
            )


def _component(described: Message, product: str) -> Component:
    name, number = str(described["Name"]), str(described["Version"])
    licence = licence_of(described)
    return Component(
        name=name,
        version=number,
        bom_ref=f"{product}#{name.lower()}",
        purl=PackageURL("pypi", None, name.lower().replace("_", "-"), number),
        licenses=[LicenseExpression(licence)] if licence else [],
        description=described.get("Summary"),
    )
