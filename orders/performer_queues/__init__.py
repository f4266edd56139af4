"""Each performer's queue: who waits at which position, and for how long.

The trigger `purchased_items_keep_queue` keeps the tables with every move of an item, in the same statement.
"""
