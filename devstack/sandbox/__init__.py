"""Stand-ins for the outside parties, each over real HTTP on loopback: ``python -m devstack.sandbox``."""
