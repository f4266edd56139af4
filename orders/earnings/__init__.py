"""What performers earn: a record of each completed item, and sums by day, made from the messages that announce them (Q8)."""
