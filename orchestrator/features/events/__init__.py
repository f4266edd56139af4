"""Events: browse them, put one on sale."""
