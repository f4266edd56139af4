"""The Postman collection (`make postman`): folders to run from top to bottom.

Postman itself makes the requests of all public routes: it imports the gateway's `/openapi.json`.
"""
