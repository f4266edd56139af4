"""An account's life: register, log in, refresh, log out. *Log in* saves the token that other requests send."""

from typing import Final

from devstack.postman.scenarios.common import PASSWORD
from devstack.postman.scripts import Variable
from devstack.postman.steps import Scenario, Step

AUTH: Final = Scenario(
    name="Auth",
    description=(
        "Log in stores `access_token` in the collection. Requests that you import or add send it, "
        "because they inherit the collection's authorization."
    ),
    steps=[
        Step(
            name="Register",
            path="/api/auth/register",
            body={
                "email": "new-{{$guid}}@example.com",
                "phone": "+6585{{$timestamp}}",
                "password": PASSWORD,
                "name": "New",
            },
            status=201,
            expected={"data.status": "PENDING_VERIFICATION"},
            saved={"new_id": "data.user_id"},
        ),
        Step(
            name="Verify the phone",
            path="/api/auth/verify-registration",
            body={"user_id": "{{new_id}}", "otp_code": "{{otp_code}}"},
            present=["data.access_token", "data.refresh_token"],
        ),
        Step(
            name="Log in",
            path="/api/auth/login",
            body={"email": "{{user_email}}", "password": "{{seed_password}}"},
            expected={"data.token_type": "Bearer"},
            saved={
                "access_token": "data.access_token",
                "refresh_token": "data.refresh_token",
                "user_id": "data.user.user_id",
            },
        ),
        Step(
            name="My account",
            method="GET",
            path="/api/users/{{user_id}}",
            user="access",
            expected={"data.user_id": Variable("user_id")},
        ),
        Step(
            name="Refresh",
            path="/api/auth/refresh",
            user="refresh",
            present=["data.expires_in"],
            saved={"access_token": "data.access_token", "refresh_token": "data.refresh_token"},
        ),
        Step(name="Log out", path="/api/auth/logout", user="access", present=["data.message"]),
    ],
)
