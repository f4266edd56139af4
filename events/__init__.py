"""Events: what is played where and when, and what a seat costs. What brokers carry is called a message."""
