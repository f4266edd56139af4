"""``python -m gateway`` serves the public API."""

from common.http.app import serve
from gateway.app import SERVICE, create_app
from gateway.settings import Settings

if __name__ == "__main__":
    settings = Settings()
    serve(create_app(settings), service=SERVICE, settings=settings)
