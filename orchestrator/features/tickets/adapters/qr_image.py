"""QR codes as images. Each takes some milliseconds of CPU time."""

import io
from typing import Final

import segno

__all__ = ["png_of", "svg_of"]

ERROR_CORRECTION: Final = "m"  # 15 % of the code may be unreadable: glare and cracks on a phone's screen
# Trying all eight masks for the most even pattern takes three times as long. Encrypted content is even already, and a
# link with a random id nearly so.
MASK: Final = 0
QUIET_ZONE: Final = 4  # modules, ISO/IEC 18004
SCALE: Final = 4
PNG_SCALE: Final = 6  # pixels per module: a phone can read it off another screen


def svg_of(payload: str) -> bytes:
    """Return a ticket's code as an SVG document of about 8 KB."""
    code = segno.make_qr(payload, error=ERROR_CORRECTION, boost_error=False, mask=MASK)
    image = io.BytesIO()
    code.save(image, kind="svg", border=QUIET_ZONE, scale=SCALE, light="#fff", xmldecl=False, nl=False)
    return image.getvalue()


def png_of(link: str) -> bytes:
    """Return a link as a PNG, for emails."""
    image = io.BytesIO()
    segno.make_qr(link, mask=MASK).save(image, kind="png", border=QUIET_ZONE, scale=PNG_SCALE)
    return image.getvalue()
