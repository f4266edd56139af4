"""The audit trail: who changed what, when, from where, and with which outcome. Entries are only ever added."""
