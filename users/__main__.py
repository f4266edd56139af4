"""`python -m users` serves; `migrate` brings the database up to date; `grant EMAIL ROLE` makes the first admin."""

import asyncio
import sys
from pathlib import Path
from typing import Final

from common.auth.principal import Role
from common.db.engine import Database
from common.db.migrations import upgrade
from common.http.app import serve
from common.settings import DatabaseSettings
from users.accounts.repository import AccountRepository
from users.app import SERVICE, create_app
from users.settings import Settings

USAGE: Final = f"usage: python -m users [migrate | grant EMAIL {{{','.join(Role)}}}]"


def main(arguments: list[str]) -> None:
    match arguments:
        case []:
            settings = Settings()
            serve(create_app(settings), service=SERVICE, settings=settings)
        case ["migrate"]:
            database_url = DatabaseSettings().database_url.get_secret_value()
            upgrade(migrations=Path(__file__).parent / "migrations", database_url=database_url)
        case ["grant", email, role] if role in list(Role):
            if not asyncio.run(_grant(email.lower(), Role(role))):
                sys.exit(f"There is no verified user with the e-mail address {email}.")
            print(f"{email} has the role {role} from the next login on.")
        case _:
            sys.exit(USAGE)


async def _grant(email: str, role: Role) -> bool:
    database = Database(DatabaseSettings(), application_name=f"{SERVICE} grant")
    try:
        return await AccountRepository(database).grant(email=email, role=role)
    finally:
        await database.close()


if __name__ == "__main__":
    main(sys.argv[1:])
