"""`python -m events.resend`: sends messages again that the broker lost (docs/runbooks.md, "Lost messages")."""

from common.messaging.resend import run

if __name__ == "__main__":
    run("events")
