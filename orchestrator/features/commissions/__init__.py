"""Commissions: articles and backlinks, written in the background."""
