"""Every write to jobs, one statement each; messages and tokens leave with it through the outbox.

`enqueuing` stores new jobs, `attempts` is the way of one through a worker, `maintenance` finds what was left lying, and
`desk` is for people.
"""
