"""``python -m devstack.sandbox``."""

from common.http.app import serve
from devstack.sandbox.app import SERVICE, create_app
from devstack.sandbox.settings import Settings


def main() -> None:
    settings = Settings()
    serve(create_app(settings), service=SERVICE, settings=settings)


if __name__ == "__main__":
    main()
