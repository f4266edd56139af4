"""The Postman collection (`make postman`): three scenarios to run from top to bottom.

Postman itself makes the requests of all public routes: it imports the gateway's `/openapi.json`.
"""
