"""The entry point of a service: `python -m SERVICE` serves, `python -m SERVICE migrate` migrates its database."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from fastapi import FastAPI

from common.db.migrations import upgrade
from common.http.app import serve
from common.settings import DatabaseSettings, ServiceSettings

__all__ = ["run"]

AppSettings = TypeVar("AppSettings", bound=ServiceSettings)


def run(
    create_app: Callable[[AppSettings], FastAPI],
    settings_type: type[AppSettings],
    *,
    entry_point: str,
    commands: str = "[migrate]",
    serve_on: Callable[[AppSettings], int] = lambda settings: settings.port,
) -> None:
    """Run the command that the command line names.

    Args:
        entry_point: the path of the service's `__main__.py`.
        commands: the commands in the usage message.
        serve_on: returns the port of the service's HTTP server.
    """
    package = Path(entry_point).parent
    match sys.argv[1:]:
        case []:
            settings = settings_type()
            http_settings = settings.model_copy(update={"port": serve_on(settings)})
            serve(create_app(settings), service=package.name, settings=http_settings)
        case ["migrate"]:
            url = DatabaseSettings().database_url.get_secret_value()
            upgrade(migrations=package / "migrations", database_url=url)
        case _:
            sys.exit(f"usage: python -m {package.name} {commands}")
