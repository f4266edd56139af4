"""`python -m users` serves; `migrate` brings the database up to date; `grant EMAIL ROLE` makes the first admin."""

import asyncio
import sys
from typing import Final

from common.auth.principal import Role
from common.db.engine import Database
from common.main import run
from common.settings import DatabaseSettings
from users.accounts.repository import AccountRepository
from users.app import SERVICE, create_app
from users.settings import Settings

COMMANDS: Final = f"[migrate | grant EMAIL {{{','.join(Role)}}}]"


def main() -> None:
    match sys.argv[1:]:
        case ["grant", email, role] if role in list(Role):
            if not asyncio.run(_grant(email.lower(), Role(role))):
                sys.exit(f"There is no verified user who has proven the email address {email}.")
            print(f"{email} has the role {role} from the next login on.")
        case _:
            run(create_app, Settings, entry_point=__file__, commands=COMMANDS)


async def _grant(email: str, role: Role) -> bool:
    database = Database(DatabaseSettings(), application_name=f"{SERVICE} grant")
    try:
        return await AccountRepository(database).grant(email=email, role=role)
    finally:
        await database.close()


if __name__ == "__main__":
    main()
