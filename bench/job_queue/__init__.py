"""How fast workers drain a full queue, compared with the broker alone.

``python -m bench.job_queue [--quick]``; docs/adr/0012-jobs-on-aio-pika.md bases its decision on the results.
"""
