"""Events: what takes place where and when, and what a seat costs. The payloads of brokers are called messages."""
