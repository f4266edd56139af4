"""What users change of their own accounts: proof of the email address, password, name, email address and phone.

An address belongs to the account that proves it first. Until then others may ask for it, and all of them can log in with it.
"""
