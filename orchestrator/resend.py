"""`python -m orchestrator.resend`: sends messages again that the broker lost (docs/runbooks.md, "Lost messages")."""

from common.messaging.resend import run
from rabbitmq.topology import DEAD_JOBS_QUEUE

if __name__ == "__main__":
    # The messages in `jobs.dead` are copies: admins see the dead jobs themselves.
    run("orchestrator", skipped=(DEAD_JOBS_QUEUE,))
