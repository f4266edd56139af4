"""What fans buy from performers, as a record for ever: tips, menu items, periods of a subscription."""
