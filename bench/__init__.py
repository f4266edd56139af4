"""Load tests of the whole platform, compared with pgbench running the same SQL on the same server in the same run.

``python -m bench [NAME …] [--quick]``; docs/performance.md explains what is measured, and how.
"""
