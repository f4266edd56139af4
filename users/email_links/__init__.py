"""Emails about accounts: links that prove an address, and notices of changes.

The token of a link is in no table, message or log. It is derived from the link's id when the email is sent.
"""
