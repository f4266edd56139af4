"""`python -m devstack.postman` writes the collection and its environment; no service has to run."""

import asyncio

from devstack.home import ROOT
from devstack.postman.collection import files
from devstack.postman.description import describe

for path, content in files(asyncio.run(describe())).items():
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    print(f"Wrote {path.relative_to(ROOT)}")
