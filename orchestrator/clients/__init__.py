"""The participants, over the wire. Each client is what its Protocol in `sagas/participants.py` asks for."""
