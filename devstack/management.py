"""A client of RabbitMQ's management API."""

import http.client
import json
from base64 import b64encode
from typing import Any, Final
from urllib.parse import quote, unquote, urlsplit

from devstack.errors import DevstackError

__all__ = ["RabbitMQManagement"]

TIMEOUT_SECONDS: Final = 10


class RabbitMQManagement:
    """The management API; ``url`` contains user and password: ``http://guest:guest@127.0.0.1:15672``."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.url = url
        self._host = parts.hostname or "127.0.0.1"
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._secure = parts.scheme == "https"
        self._user = unquote(parts.username or "guest")
        self._password = unquote(parts.password or "guest")

    def serves(self, node: str, *, amqp_port: int) -> bool:
        """Whether this node responds, accepts our user, and listens for clients on that port.

        Another platform's broker may have taken the port: it has another name and other credentials.
        """
        try:
            overview = self.get("/api/overview")
        except (DevstackError, OSError, http.client.HTTPException, ValueError):
            return False
        listening = [(each["node"], each["protocol"], each["port"]) for each in overview.get("listeners", ())]
        return overview.get("node") == node and (node, "amqp", amqp_port) in listening

    def get(self, path: str) -> Any:
        return self._request("GET", path)

    def create_vhost(self, name: str) -> None:
        """Create a virtual host, if it does not exist, and give our user all permissions."""
        vhost, user = quote(name, safe=""), quote(self._user, safe="")
        self._request("PUT", f"/api/vhosts/{vhost}", {"default_queue_type": "quorum"})
        self._request("PUT", f"/api/permissions/{vhost}/{user}", {"configure": ".*", "write": ".*", "read": ".*"})

    def delete_user(self, name: str) -> None:
        """Delete a user, if it exists."""
        self._request("DELETE", f"/api/users/{quote(name, safe='')}")

    def delete_vhost(self, name: str) -> None:
        """Delete a virtual host and its contents, if it exists."""
        self._request("DELETE", f"/api/vhosts/{quote(name, safe='')}")

    def queue_counts(self, vhost: str) -> dict[str, int]:
        """Return the number of messages in each queue; the broker refreshes these statistics once a second."""
        queues = self.get(f"/api/queues/{quote(vhost, safe='')}")
        return {queue["name"]: queue.get("messages", 0) for queue in queues}

    def acknowledged(self, vhost: str, queue: str) -> int:
        """Return the number of acknowledged messages of a queue since the broker's start, by the same statistics."""
        stats = self.get(f"/api/queues/{quote(vhost, safe='')}/{quote(queue, safe='')}").get("message_stats", {})
        return int(stats.get("ack", 0))

    def _request(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = kind(self._host, self._port, timeout=TIMEOUT_SECONDS)
        credentials = b64encode(f"{self._user}:{self._password}".encode()).decode()
        headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, body=json.dumps(body or {}), headers=headers)
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        if response.status == http.client.NOT_FOUND and method == "DELETE":
            return None
        if response.status >= http.client.BAD_REQUEST:
            raise DevstackError(
                f"RabbitMQ's management API refused {method} {path}: {response.status} {content.decode()}"
            )
        return json.loads(content) if content else None
