"""The parts of a chart: an empty canvas, bars, and a mark for each outcome.

lxml builds the markup, so every text and attribute is escaped.
"""

from typing import Any

from django.utils.safestring import SafeString
from lxml import etree

from exports.charts.scales import Scale

# An lxml element; lxml ships no types.
Element = Any

WIDTH, HEIGHT = 320, 140
LEFT, TOP, GROUND = 40, 12, 118


def empty_chart(label: str, scale: Scale) -> Element:
    """An empty chart with its ticks and lines."""
    svg = etree.Element("svg", viewBox=f"0 0 {WIDTH} {HEIGHT}", attrib={"class": "chart"})
    svg.set("role", "img")
    svg.set("aria-label", label)
    for value, text in scale.ticks:
        y = GROUND - (GROUND - TOP) * value / scale.top
        kind = "chart-line" if value else "chart-ground"
        etree.SubElement(svg, "path", d=f"M{LEFT} {y:.1f}H{WIDTH}", attrib={"class": kind})
        write_text(svg, text, LEFT - 6, y + 3.5, "end")
    return svg


def draw_run(
    parent: Element,
    outcome: str,
    x: float,
    width: float,
    baseline: float,
    height: float,
    title: str,
) -> None:
    """One run on its `baseline`: a bar, and a mark unless it simply succeeded."""
    group = etree.SubElement(parent, "g", attrib={"class": f"mark-{outcome}"})
    if title:
        etree.SubElement(group, "title").text = title
        # A run without height can be pointed at, too.
        draw_bar(group, "chart-hit", x, 0, width, baseline)
    if outcome in ("succeeded", "suspicious"):
        # A success without batches still shows, as a line.
        height = max(height, 1.5)
        draw_bar(group, "chart-bar", x, baseline - height, width, height)
    elif height:
        draw_bar(group, "chart-faint", x, baseline - height, width, height)
    _draw_mark(group, outcome, x + width / 2, baseline - height - 1, min(width / 2, 3.5))


def draw_bar(parent: Element, kind: str, x: float, y: float, width: float, height: float) -> None:
    box = {"x": x, "y": y, "width": width, "height": height}
    sizes = {name: f"{value:.1f}" for name, value in box.items()}
    etree.SubElement(parent, "rect", attrib={**sizes, "class": kind})


def write_text(svg: Element, text: str, x: float, y: float, anchor: str) -> None:
    place = {"x": f"{x:.0f}", "y": f"{y:.1f}", "text-anchor": anchor}
    etree.SubElement(svg, "text", attrib=place).text = text


def define_patterns(svg: Element) -> None:
    """Fill patterns, so that outcomes differ by shape as well as by colour."""
    defs = etree.SubElement(svg, "defs")
    shapes = {"suspicious": "M3 1L5 5H1z", "failed": "M1 1L5 5M5 1L1 5"}
    for outcome, path in shapes.items():
        size = {"width": "6", "height": "6", "patternUnits": "userSpaceOnUse"}
        attributes = {**size, "class": f"pattern-{outcome}"}
        pattern = etree.SubElement(defs, "pattern", id=f"pattern-{outcome}", attrib=attributes)
        etree.SubElement(pattern, "rect", width="6", height="6")
        etree.SubElement(pattern, "path", d=path)


def markup(svg: Element) -> SafeString:
    return SafeString(etree.tostring(svg, encoding="unicode"))


def _draw_mark(parent: Element, outcome: str, middle: float, y: float, half: float) -> None:
    """The shape of an outcome, standing on `y`; a success has none."""
    left, right, top = middle - half, middle + half, y - 2 * half
    if outcome == "failed":
        path = f"M{left:.1f} {top:.1f}L{right:.1f} {y:.1f}M{right:.1f} {top:.1f}L{left:.1f} {y:.1f}"
        etree.SubElement(parent, "path", d=path, attrib={"class": "chart-cross"})
    elif outcome == "suspicious":
        path = f"M{middle:.1f} {top:.1f}L{right:.1f} {y:.1f}H{left:.1f}z"
        etree.SubElement(parent, "path", d=path, attrib={"class": "chart-bar"})
    elif outcome == "cancelled":
        draw_bar(parent, "chart-hollow", left, top, 2 * half, 2 * half)
    elif outcome in ("running", "queued"):
        shape = {"cx": f"{middle:.1f}", "cy": f"{y - half:.1f}", "r": f"{half:.1f}"}
        etree.SubElement(parent, "circle", attrib={**shape, "class": "chart-hollow"})
