"""The Postman collection (`make postman`): every public call, and three stories that can be run from top to bottom.

It is made from what the services say of themselves and from `scenarios`; nothing in it changes from run to run.
"""
