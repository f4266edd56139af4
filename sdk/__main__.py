"""``python -m sdk [--check]``: write the generated part of the clients from the API's merged OpenAPI document."""

import asyncio
import sys
from typing import Final

from devstack.home import ROOT
from sdk import typescript_code
from sdk.document import client_document
from sdk.python_code import python_files
from tests.support.openapi import describe

PYTHON: Final = ROOT / "sdk/python/ticketremaster_client/generated"


def main(*arguments: str) -> int:
    """Return 1 if `--check` finds a stale file."""
    document = client_document(asyncio.run(describe()))
    files = {PYTHON / name: text for name, text in python_files(document).items()}
    if "--check" in arguments:
        stale = [file for file, text in files.items() if not file.exists() or file.read_text() != text]
        for file in stale:
            print(f"Stale: {file.relative_to(ROOT)}; run 'make sdk'.", file=sys.stderr)
        typescript_code.generate(document)
        typescript_code.check()
        return int(bool(stale))
    for file, text in files.items():
        file.write_text(text)
    typescript_code.generate(document)
    typescript_code.build()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
