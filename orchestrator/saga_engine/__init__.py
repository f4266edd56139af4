"""The saga engine. It keeps the rules; it knows no business noun.

A *saga* is a plan of steps. Its *action* does a step's work in another service, its *undo* takes it back. A *wait*
stops until a *signal* comes or a deadline passes. Before the *pivot* a failure *unwinds* the steps in reverse order;
after it the saga only goes forward. A saga that can do neither is *stuck* and waits for people.

`plan` is how a saga is written, `record` what is stored of one, `repository` the saga log, `runner` runs it,
`signals` wakes a waiting one, `recoverer` takes over what a dead process left behind.
"""
