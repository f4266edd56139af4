"""``make demo``: a platform of its own, a purchase, a refusal and a hold that lapses, told step by step."""
