"""The sagas, one file each. They know no SQL and no HTTP: participants stand behind Protocols."""
