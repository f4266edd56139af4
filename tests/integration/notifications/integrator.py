"""An integrator's endpoint on a real socket that responds, or keeps its callers waiting."""

import asyncio
from collections import Counter
from typing import Self

from aiohttp import web


class Integrator:
    """Accepts webhooks while `gate` is open; ``received`` counts them by id."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.received: Counter[str] = Counter()
        self.in_progress = 0
        self.most_in_progress = 0
        app = web.Application()
        app.router.add_post("/", self._receive)
        self._runner = web.AppRunner(app)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.gate.set()
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}/"

    async def _receive(self, request: web.Request) -> web.Response:
        self.in_progress += 1
        self.most_in_progress = max(self.most_in_progress, self.in_progress)
        try:
            await self.gate.wait()
        finally:
            self.in_progress -= 1
        self.received[request.headers["webhook-id"]] += 1
        return web.Response()
