"""Leave out of OME-XML what the schema does not allow, and keep the rest.

Microscopes write distances of 0 between the planes of one plane, empty apertures, dates
in their own words. The schema takes one such value for a fault of the whole file, and
pixel size and channels would be lost with it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Sequence

UNIT = "unit"
"""Ends the names of attributes that give another its meaning; the schema assumes a unit
where there is none, so that the other must go, too."""

GREEK_MU, MICRO_SIGN = "\u03bc", "\u00b5"
"""They look alike; the schema knows units with the second."""

UNREAD = ("AcquisitionDate",)
"""Elements of which nothing is read, and which are often written wrongly."""


def without_wrong(xml: str, errors: Sequence[Any]) -> str:
    """Return OME-XML without the values that are wrong, or with right ones.

    Parameters
    ----------
    xml : str
    errors : sequence of dict
        As pydantic's `ValidationError.errors` tells them: `loc` ends in the name of a
        value, `input` is the value.
    """
    root = _parsed(xml)
    for element in root.iter():
        for error in errors:
            wanted = _plain(str(error["loc"][-1])) if error["loc"] else ""
            for name, text in list(element.attrib.items()):
                if _plain(name) != wanted or not _is_same(text, error["input"]):
                    continue
                if wanted.endswith(UNIT) and GREEK_MU in text:
                    element.attrib[name] = text.replace(GREEK_MU, MICRO_SIGN)
                else:
                    del element.attrib[name]
                    _remove_measured(element, wanted)
    return ET.tostring(root, encoding="unicode")


def without_unread(xml: str) -> str:
    """Return OME-XML without elements that nobody reads; what is no XML as it is."""
    try:
        root = _parsed(xml)
    except ET.ParseError:
        return xml
    for parent in root.iter():
        for child in list(parent):
            if child.tag.rpartition("}")[2] in UNREAD:
                parent.remove(child)
    return ET.tostring(root, encoding="unicode")


def _parsed(xml: str) -> ET.Element:
    # Of a file that is opened anyway; ElementTree resolves nothing from outside.
    return ET.fromstring(xml)


def _plain(name: str) -> str:
    """Return what "PhysicalSizeZ" and "physical_size_z" have in common."""
    return name.replace("_", "").casefold()


def _is_same(text: str, value: object) -> bool:
    if isinstance(value, float):
        try:
            number = float(text)
        except ValueError:
            return False
        return number == value or (math.isnan(number) and math.isnan(value))
    return text == str(value)


def _remove_measured(element: ET.Element, unit: str) -> None:
    """Remove what has a unit that means nothing."""
    if unit.endswith(UNIT):
        for name in list(element.attrib):
            if _plain(name) == unit.removesuffix(UNIT):
                del element.attrib[name]
