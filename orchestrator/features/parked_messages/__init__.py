"""Parked messages: what a consumer could not handle, kept for people who have it handled again or throw it away.

Consumers of all services, and the broker itself, put such messages into the queue `parking`. A *keeper* in every worker
takes them out of it and into a table, where admins see them. A message that is *replayed* leaves through the outbox, in
the write that says so, and for the queue that it was taken from; its handler knows it by its id.
"""
