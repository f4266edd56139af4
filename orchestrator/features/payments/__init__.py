"""Credits bought by card or crypto, and their reconciliation with the providers."""
