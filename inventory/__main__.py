"""`python -m inventory` serves; `python -m inventory migrate` migrates the database."""

import sys
from pathlib import Path

from common.db.migrations import upgrade
from common.http.app import serve
from common.settings import DatabaseSettings
from inventory.app import SERVICE, create_app
from inventory.settings import Settings


def main() -> None:
    match sys.argv[1:]:
        case []:
            settings = Settings()
            sidecar = settings.model_copy(update={"port": settings.health_port})
            serve(create_app(settings), service=SERVICE, settings=sidecar)
        case ["migrate"]:
            url = DatabaseSettings().database_url.get_secret_value()
            upgrade(migrations=Path(__file__).parent / "migrations", database_url=url)
        case _:
            sys.exit("usage: python -m inventory [migrate]")


if __name__ == "__main__":
    main()
