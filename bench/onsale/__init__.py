"""A simulated on-sale: what no machine here can be asked, how half a million fans would fare."""
