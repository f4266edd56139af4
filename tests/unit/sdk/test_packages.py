"""The clients as packages, and the page about them."""

import json
import re
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

from tests.architecture.compose import ROOT

SDK = ROOT / "sdk"
EXAMPLES = {"python": SDK / "examples/buy.py", "ts": SDK / "typescript/examples/buy.ts"}


def test_python_client_is_a_package_with_types(tmp_path: Path) -> None:
    uv = Path(sys.executable).parent / "uv"
    build = [str(uv), "build", "--quiet", "--offline", "--wheel", "--out-dir", str(tmp_path), str(SDK / "python")]
    subprocess.run(build, check=True)  # noqa: S603
    [wheel] = tmp_path.glob("*.whl")
    files = set(zipfile.ZipFile(wheel).namelist())
    assert {"ticketremaster_client/py.typed", "ticketremaster_client/generated/models.py"} <= files


def test_npm_lock_has_hashes_and_no_addresses() -> None:
    text = (SDK / "typescript/package-lock.json").read_text()
    assert "://" not in text
    packages = json.loads(text)["packages"]
    own = packages.pop("")
    assert own["dependencies"].keys() == {"openapi-fetch"}
    assert [name for name, package in packages.items() if "integrity" not in package] == []


def test_code_in_the_documentation_is_that_of_the_examples() -> None:
    """Tests run the examples."""
    blocks = re.findall(
        r"^```(python|ts)\n(.*?)^```", (ROOT / "docs/sdk.md").read_text(), flags=re.MULTILINE | re.DOTALL
    )
    assert len(blocks) > 4
    for language, block in blocks:
        example = EXAMPLES[language].read_text()
        indents = (textwrap.indent(block, " " * depth) for depth in range(0, 17, 2))
        assert any(each in example for each in indents), block
