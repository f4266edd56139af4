"""A QR payload as a picture."""

import io
from typing import Final

import segno

__all__ = ["svg_of"]

ERROR_CORRECTION: Final = "m"  # 15 % of the code may be unreadable: glare and cracks on a phone's glass
# Trying all eight masks for the most even picture takes three times as long, and what is encrypted is even already.
MASK: Final = 0
QUIET_ZONE: Final = 4  # modules, ISO/IEC 18004
SCALE: Final = 4


def svg_of(payload: str) -> bytes:
    """Return an SVG document of about 8 KB. Takes some milliseconds of CPU time."""
    code = segno.make_qr(payload, error=ERROR_CORRECTION, boost_error=False, mask=MASK)
    picture = io.BytesIO()
    code.save(picture, kind="svg", border=QUIET_ZONE, scale=SCALE, light="#fff", xmldecl=False, nl=False)
    return picture.getvalue()
