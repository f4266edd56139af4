"""Performers: who they are, and how they are paid."""
