"""What performers earn: payments for what fans bought, pending earnings, and payouts (Q1, Q3, Q6)."""
