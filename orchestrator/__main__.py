"""`python -m orchestrator` serves HTTP; `python -m orchestrator migrate` migrates the database."""

from common.main import run
from orchestrator.app import create_app
from orchestrator.settings import Settings

if __name__ == "__main__":
    run(create_app, Settings, entry_point=__file__)
