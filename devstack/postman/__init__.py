"""The Postman collection (`make postman`): every public route, and three scenarios to run from top to bottom.

It is generated from the services' OpenAPI descriptions and from `scenarios`; the output is deterministic.
"""
