"""Outbound webhooks: integrators are told of what happens, at an address of theirs.

A *subscription* names an address, the message types it wants and a secret. Each message of such a type becomes a
*delivery*, stored in the transaction that notes the message as handled (`orchestrator.features.notifications.messages`), and a
job that posts it, signed as the Standard Webhooks specification says (https://www.standardwebhooks.com), until the
address answers 2xx or the tries, spread over days, are used up. 410 ends the subscription.

Addresses are strangers': `addresses` says which are allowed, `names` looks theirs up, `sender` posts to them, and `turns`
sees that nobody waits for a slow one.
"""
