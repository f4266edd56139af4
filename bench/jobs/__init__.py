"""How fast workers drain a full queue, beside what the broker alone does.

``python -m bench.jobs [--quick]``; see docs/adr/0012-jobs-on-aio-pika.md for what the figures decided.
"""
