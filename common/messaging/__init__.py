"""RabbitMQ: what we declare, how a message looks, how it leaves (outbox, confirms), how it is taken (parking)."""
