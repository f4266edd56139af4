"""`python -m users` serves; `python -m users migrate` brings the database up to date."""

import sys
from pathlib import Path

from common.db.migrations import upgrade
from common.http.app import serve
from common.settings import DatabaseSettings
from users.app import SERVICE, create_app
from users.settings import Settings


def main(arguments: list[str]) -> None:
    match arguments:
        case []:
            settings = Settings()
            serve(create_app(settings), service=SERVICE, settings=settings)
        case ["migrate"]:
            database_url = DatabaseSettings().database_url.get_secret_value()
            upgrade(migrations=Path(__file__).parent / "migrations", database_url=database_url)
        case _:
            sys.exit("usage: python -m users [migrate]")


if __name__ == "__main__":
    main(sys.argv[1:])
