"""Jobs: background work, stored in PostgreSQL and run by workers.

A *job* is a row, and the row is authoritative. A *wake-up message* asks a worker to look for work: one for each ready
job, sent through the outbox by the write that stores the job. A worker that receives one *claims* the best ready job of
its kind (by priority, then age), calls the kind's *handler*, records the outcome, and acknowledges the message. A failed
*attempt* is retried by the kind's *policy*; after the last attempt the job is *dead*: it waits for an admin, and a
message about it is in `jobs.dead`. A job that its handler *refuses* has failed as expected. Jobs of one *lane* run one
at a time, first in, first out.

`service.JobQueue` is the interface for other packages; `policies` has the rules of each kind and `registry` its handler;
`worker` constructs a worker from `runner`, `consumer` and `scheduler`.
"""
