"""Headers of emails that are not folded by the standard library.

Its folding splits long display names in quotes and loses the quotes, in a way that depends on Python's version: a comma in a
name then begins another recipient. Here a name is in quotes on one line (RFC 5322), one of other characters than ASCII is in
encoded words (RFC 2047), and a file name is in percent encoding (RFC 2231).
"""

import re
from email.header import Header
from email.headerregistry import Address
from email.policy import SMTP, Policy
from typing import Final, Self
from urllib.parse import quote

from common.text import one_line

__all__ = ["address_header", "address_of", "attachment_header", "text_header"]

LINE_LENGTH: Final = 76  # RFC 2047 §2
LONGEST_PLAIN_TEXT: Final = 200  # RFC 5322 §2.1.1 allows lines of 998 characters
LONGEST_FILE_NAME: Final = 60  # characters, each of up to twelve in percent encoding
_PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9' -]*")
_TO_ESCAPE: Final = re.compile(r'(["\\])')
# Without `=?`, which begins an encoded word, in quotes too for some programs.
_PLAIN_TEXT: Final = re.compile(r"(?:(?!=\?)[\x20-\x7e])*")
_PLAIN_FILE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
# Parts of a path, wildcards and quotes, in the file systems of the recipients.
_UNSAFE_IN_FILE_NAME: Final = re.compile(r'[\\/:*?"<>|%]')


class WrittenHeader(str):
    """A header that a message takes as it is. As a string it is its value on one line."""

    __slots__ = ("_value", "name")
    name: str
    _value: str
    defects = ()  # what email's content manager looks for

    def __new__(cls, name: str, value: str) -> Self:
        """Args: value: its continuation lines begin with a blank."""
        header = super().__new__(cls, " ".join(value.split("\r\n ")))
        header.name = name
        header._value = value
        return header

    def fold(self, *, policy: Policy) -> str:  # what email's policies call
        return f"{self.name}: {self._value}{policy.linesep}"


def address_header(name: str, address: Address) -> WrittenHeader:
    """Return a header of one address, such as To."""
    display_name = address.display_name  # without line breaks, which an Address refuses
    if not display_name:
        return WrittenHeader(name, address.addr_spec)
    if not _is_plain(display_name):
        written = _encoded(display_name, name)
    elif _PLAIN_NAME.fullmatch(display_name):
        written = display_name
    else:
        written = '"' + _TO_ESCAPE.sub(r"\\\1", display_name) + '"'
    return WrittenHeader(name, f"{written}\r\n <{address.addr_spec}>")


def address_of(text: str) -> Address:
    """Return the address of a setting, such as ``Tickets <tickets@shop.example>``."""
    (address,) = SMTP.header_factory("To", text).addresses
    return address  # type: ignore[no-any-return] # typeshed does not know the header's class


def text_header(name: str, text: str) -> WrittenHeader:
    """Return a header of text, such as Subject."""
    text = one_line(text)
    return WrittenHeader(name, text if _is_plain(text) else _encoded(text, name))


def attachment_header(file_name: str) -> WrittenHeader:
    """Return the Content-Disposition of an attachment."""
    stem, dot, ending = _UNSAFE_IN_FILE_NAME.sub("_", one_line(file_name)).rpartition(".")
    file_name = f"{stem[:LONGEST_FILE_NAME]}{dot}{ending}"
    parameter = (
        f'filename="{file_name}"' if _PLAIN_FILE_NAME.fullmatch(file_name) else f"filename*=utf-8''{quote(file_name)}"
    )
    return WrittenHeader("Content-Disposition", f"attachment;\r\n {parameter}")


def _is_plain(text: str) -> bool:
    return len(text) <= LONGEST_PLAIN_TEXT and _PLAIN_TEXT.fullmatch(text) is not None


def _encoded(text: str, name: str) -> str:
    return Header(text, "utf-8", maxlinelen=LINE_LENGTH, header_name=name).encode(linesep="\r\n")
