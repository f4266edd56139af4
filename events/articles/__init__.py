"""Published articles: texts about events that customers have ordered (C1, C4)."""
