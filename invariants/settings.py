"""Where the five databases are, for the command."""

from collections.abc import Mapping

from pydantic import SecretStr

from common.settings import EnvironmentSettings


class Settings(EnvironmentSettings):
    """The URLs of the databases. An account that may only read is enough."""

    users_database_url: SecretStr
    orders_database_url: SecretStr
    events_database_url: SecretStr
    inventory_database_url: SecretStr
    orchestrator_database_url: SecretStr

    @property
    def databases(self) -> Mapping[str, str]:
        """The URLs by package."""
        return {
            name.removesuffix("_database_url"): getattr(self, name).get_secret_value()
            for name in type(self).model_fields
        }
