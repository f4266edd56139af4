"""`python -m inventory` serves; `python -m inventory migrate` migrates the database."""

from common.main import run
from inventory.app import create_app
from inventory.settings import Settings

if __name__ == "__main__":
    run(create_app, Settings, entry_point=__file__, serve_on=lambda settings: settings.health_port)
