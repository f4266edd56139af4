"""The sections of the scenario, one file each."""
