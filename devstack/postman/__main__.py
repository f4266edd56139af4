"""`python -m devstack.postman` writes the collection and its environment."""

from devstack.home import ROOT
from devstack.postman.collection import files

for path, content in files().items():
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    print(f"Wrote {path.relative_to(ROOT)}")
