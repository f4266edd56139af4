"""What people are told: by mail, by text message, and in a feed of their own that the gateway shows live.

A message of the platform becomes *notices*, one for each person it concerns (`notices`). One statement notes the
message as handled, writes the notices into those people's feeds, and queues the jobs that send *letters*
(`recorder`, `repository`). A letter is written when it is sent, from what is true then (`desk`, `stationery`), and goes
out over SMTP (`mailer`; `verdict` says what a refusal means); a text message goes through the users service, which has
the provider's key.

A message that comes twice changes nothing the second time. A letter is sent once, except when a worker dies between
the mail server's "250" and writing that down: then twice, with the same Message-ID, by which mail programs know a copy.
"""
