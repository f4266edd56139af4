"""RabbitMQ: topology, the message format, publishing (outbox, confirms) and consuming (inbox, parking)."""
