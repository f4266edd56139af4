"""Subscriptions of fans to performers (M2): which menus they open, until when, and whether they renew."""
