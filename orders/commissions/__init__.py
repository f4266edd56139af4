"""Articles and backlinks that customers order, with every version of their text."""
