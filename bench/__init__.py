"""Load on the whole platform, beside pgbench doing the same SQL on the same server in the same run.

``python -m bench [rush] [storm] [halls] [--quick]``; see docs/performance.md for what is measured, and how.
"""
