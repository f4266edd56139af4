"""Devices that logged in to an account before."""
