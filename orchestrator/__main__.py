"""`python -m orchestrator` serves HTTP; `python -m orchestrator migrate` migrates the database."""

import sys
from pathlib import Path

from common.db.migrations import upgrade
from common.http.app import serve
from common.settings import DatabaseSettings
from orchestrator.app import create_app
from orchestrator.clients import SERVICE
from orchestrator.settings import Settings


def main() -> None:
    match sys.argv[1:]:
        case []:
            settings = Settings()
            serve(create_app(settings), service=SERVICE, settings=settings)
        case ["migrate"]:
            url = DatabaseSettings().database_url.get_secret_value()
            upgrade(migrations=Path(__file__).parent / "migrations", database_url=url)
        case _:
            sys.exit("usage: python -m orchestrator [migrate]")


if __name__ == "__main__":
    main()
