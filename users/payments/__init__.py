"""Money from outside: what people pay a provider, and when that becomes credits. Providers themselves are not known here."""
