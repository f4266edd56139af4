"""The saga engine. It knows no business noun.

A *saga* is a plan of steps. A step's *action* does work in another service; its *undo* reverts it. A *wait* stops the
saga until a *signal* arrives or a deadline passes. Before the *pivot* a failure *unwinds* the steps in reverse order;
after it the saga only goes forward. A saga that can do neither is *stuck* until an admin retries it.

`plan` defines sagas, `record` is one stored saga, `repository` and `statements` are the saga log, `runner` runs a saga,
`engine` starts, signals and retries sagas, `recoverer` takes over due ones. For callers, `idempotency` finds the saga of a
repeated request and `outcomes` reads the result of a saga.
"""
