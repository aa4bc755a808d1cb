"""The XML schema of the document, made from the table of batch fields."""

from functools import cache
from typing import Final

from exports.connectwise.batch_fields import (
    ELEMENT,
    ELEMENTS,
    EXTERNAL_ID,
    FIRST_EXTRA,
    INFO_MEMBERS,
    ROOT,
    FieldType,
)

FILE_NAME: Final = "batches.xsd"
# The first line of every document, and of the schema.
DECLARATION: Final = '<?xml version="1.0" encoding="utf-8"?>\n'

# A missing flag is written as nil. Any other missing value is an empty element, so its type must be
# text. Dates are text as well, as they are written as ConnectWise sent them.
_FLAG: Final = 'type="xs:boolean" nillable="true"'
_TEXT: Final = 'type="xs:string"'

_SCHEMA: Final = """\
{declaration}<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <xs:element name="{root}">
    <xs:annotation>
      <xs:documentation xml:lang="en">Accounting batches exported from ConnectWise PSA, by ascending id. An export that found no batch has no child.</xs:documentation>
    </xs:annotation>
    <xs:complexType>
      <xs:sequence>
        <xs:element name="{element}" type="{element}" minOccurs="0" maxOccurs="unbounded" />
      </xs:sequence>
    </xs:complexType>
  </xs:element>

  <xs:complexType name="{element}">
    <xs:sequence>
      <xs:element name="id" type="xs:long" />
      <xs:element name="{external_id}" type="Empty" />
      <xs:element name="_info" type="Info" minOccurs="0" />
{elements}
      <xs:any namespace="##local" processContents="skip" minOccurs="0" maxOccurs="unbounded">
        <xs:annotation>
          <xs:documentation xml:lang="en">Only when the task includes extra API fields: everything else that ConnectWise returned, {first_extra} first. Objects are nested elements, the members of a list are elements named item, null is xsi:nil. Characters that element names cannot hold are written _xHHHH_.</xs:documentation>
        </xs:annotation>
      </xs:any>
    </xs:sequence>
  </xs:complexType>

  <xs:complexType name="Info">
    <xs:annotation>
      <xs:documentation xml:lang="en">{members} as text, in this order, each only if ConnectWise sent it; then, when the task includes extra API fields, any other member. Dates are written as ConnectWise sent them, so they are not declared as xs:dateTime. XSD 1.0 cannot name optional elements before a wildcard that would match them too (unique particle attribution), hence the wildcard alone.</xs:documentation>
    </xs:annotation>
    <xs:sequence>
      <xs:any namespace="##local" processContents="skip" minOccurs="0" maxOccurs="unbounded" />
    </xs:sequence>
  </xs:complexType>

  <xs:simpleType name="Empty">
    <xs:restriction base="xs:string">
      <xs:length value="0" />
    </xs:restriction>
  </xs:simpleType>
</xs:schema>
"""


@cache
def schema() -> bytes:
    """The schema, used for the download and to validate every file."""
    elements = (
        f'      <xs:element name="{name}" {_FLAG if type_ is FieldType.FLAG else _TEXT} />'
        for name, type_ in ELEMENTS
    )
    return _SCHEMA.format(
        declaration=DECLARATION,
        root=ROOT,
        element=ELEMENT,
        external_id=EXTERNAL_ID,
        elements="\n".join(elements),
        first_extra=", ".join(FIRST_EXTRA),
        members=f"{', '.join(INFO_MEMBERS[:-1])} and {INFO_MEMBERS[-1]}",
    ).encode()
