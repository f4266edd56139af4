"""Jobs: work that is done later, once for each try, by whichever worker is free.

A *job* is a row; the row is the truth. A *token* is a message that says "look": one for each ready job, through the
outbox, in the write that stores the job. A worker that takes a token *claims* the best ready job of its kind (priority,
then age), calls the kind's *handler*, writes down what came of it, and acknowledges the token. A *try* that fails is
repeated by the kind's *policy*; after the last one the job has failed and is *dead*: it waits for people, who find a
message about it in `jobs.dead`. One that its handler *refuses* has failed too, but as was to be expected. Jobs of one
*lane* run one at a time, first in, first out.

`service.JobQueue` is what others use; `policies` has the rules of each kind and `registry` its handler; `runner`,
`consumer` and `scheduler` make up a worker, put together in `workforce`.
"""
