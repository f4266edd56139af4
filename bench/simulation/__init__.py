"""A simulated on-sale of half a million fans, which is more than one machine can generate."""
