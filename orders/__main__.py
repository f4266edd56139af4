"""`python -m orders` serves; `python -m orders migrate` brings the database up to date."""

from common.main import run
from orders.app import create_app
from orders.settings import Settings

if __name__ == "__main__":
    run(create_app, Settings, entry_point=__file__)
