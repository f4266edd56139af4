"""Simulates the external providers over real HTTP and SMTP on loopback: ``python -m devstack.sandbox``."""
