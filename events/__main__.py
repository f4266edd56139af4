"""`python -m events` serves; `python -m events migrate` brings the database up to date."""

from common.main import run
from events.app import create_app
from events.settings import Settings

if __name__ == "__main__":
    run(create_app, Settings, entry_point=__file__)
