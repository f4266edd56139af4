"""A minimal service: ``python -m tests.integration.devstack.stub_service`` serves /health on its port and logs JSON."""

import http.server
import json
import os
import signal
import sys


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        seen = {name: os.environ.get(name) for name in ("DATABASE_URL", "RABBITMQ_URL", "USERS_URL", "MARK", "ENV")}
        body = json.dumps(seen | {"pid": os.getpid(), "instance": os.environ["INSTANCE_ID"]}).encode()
        self.send_response(200 if self.path == "/health" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if os.environ.get("FAIL"):
        sys.exit("told to fail")
    port = int(os.environ.get("HEALTH_PORT", os.environ["PORT"]))
    sys.stdout.write(json.dumps({"event": "serving", "level": "info", "port": port}) + "\n")
    sys.stdout.flush()
    http.server.HTTPServer(("127.0.0.1", port), Answer).serve_forever()


if __name__ == "__main__":
    main()
