"""The generated part of the TypeScript client: types by openapi-typescript, operations and error codes by us."""

import filecmp
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from devstack.home import ROOT
from sdk.document import Document, error_codes, is_pending, operations, takes_key

__all__ = ["build", "check", "generate", "lock"]

FOLDER: Final = ROOT / "sdk/typescript"
GENERATED: Final = FOLDER / "src/generated"
LOCK: Final = FOLDER / "package-lock.json"
INSTALLED: Final = FOLDER / "node_modules/installed.json"  # a copy of the lock that was installed
BIN: Final = Path(sys.executable).parent


def generate(document: Document) -> None:
    """Write the generated part, which is not in git, and install the packages of the lock if they are not."""
    _install()
    GENERATED.mkdir(exist_ok=True)
    (GENERATED / "operations.ts").write_text(operations_module(document))
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(document, file)
        file.flush()
        _node("openapi-typescript/bin/cli.js", file.name, "--output", str(GENERATED / "schema.ts"))


def check() -> None:
    """Check the types of the client, its tests and the example."""
    _node("typescript/bin/tsc", "--noEmit")


def build() -> None:
    """Write JavaScript modules and declarations to `dist`."""
    _node("typescript/bin/tsc", "--project", "tsconfig.build.json")


def operations_module(document: Document) -> str:
    """Return the module of what the client knows of operations at run time."""
    codes = "".join(f'  | "{code}"\n' for code in error_codes(document))
    return (
        "/** What is known of the API's operations. `make sdk` writes this file. */\n\n"
        f"/** They take an `Idempotency-Key`. */\n{_set_of('KEYED', document, takes_key)}\n"
        f"/** Their answer may be 202: the work goes on. */\n{_set_of('PENDING', document, is_pending)}\n"
        f"/** The codes of errors; a later release may have others. */\nexport type ErrorCode =\n{codes}"
        "  | (string & {});\n"
    )


def _set_of(name: str, document: Document, belongs: Callable[[Document], bool]) -> str:
    names = [f"{method.upper()} {path}" for method, path, operation in operations(document) if belongs(operation)]
    lines = "".join(f'  "{each}",\n' for each in names)
    return f"export const {name}: ReadonlySet<string> = new Set([\n{lines}]);\n"


def lock() -> None:
    """Lock the npm packages, without any address: neither of a registry nor of those who fund a package."""
    flags = ("--package-lock-only", "--ignore-scripts", "--omit-lockfile-registry-resolved", "--no-fund", "--silent")
    npm = [str(BIN / "npm"), "install", *flags]
    subprocess.run(npm, cwd=FOLDER, check=True)
    locked = json.loads(LOCK.read_text())
    for package in locked["packages"].values():
        package.pop("funding", None)
    LOCK.write_text(json.dumps(locked, indent=2, ensure_ascii=False) + "\n")


def _install() -> None:
    if INSTALLED.exists() and filecmp.cmp(LOCK, INSTALLED, shallow=False):
        return
    npm = [str(BIN / "npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    subprocess.run(npm, cwd=FOLDER, check=True)
    shutil.copy(LOCK, INSTALLED)


def _node(module: str, *arguments: str) -> None:
    done = subprocess.run(
        [BIN / "node", f"node_modules/{module}", *arguments], cwd=FOLDER, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
