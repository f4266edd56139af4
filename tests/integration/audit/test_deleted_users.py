"""The feed of a user whose account was deleted."""

import uuid

import pytest
from sqlalchemy import text

from common.db.engine import Database
from common.messaging.message import InvalidMessage, Message
from orchestrator.features.personal_data.messages import UserDeletedHandler
from orchestrator.features.personal_data.repository import PersonalDataRepository

ADD = text("INSERT INTO user_feed (user_id, sequence, message) VALUES (:user_id, :sequence, '{}')")


async def test_feed_is_deleted_once(database: Database) -> None:
    repository, user_id, other_id = PersonalDataRepository(database), uuid.uuid4(), uuid.uuid4()
    message = Message(type="user.deleted", source="users", subject=str(user_id), data={"user_id": str(user_id)})
    for owner in (user_id, other_id):
        await database.execute(ADD, {"user_id": owner, "sequence": 1})

    await UserDeletedHandler(repository).handle(message)
    await database.execute(ADD, {"user_id": user_id, "sequence": 2})
    await UserDeletedHandler(repository).handle(message)

    left = [len(await repository.feed_of(owner, before=10, limit=10)) for owner in (user_id, other_id)]
    assert left == [1, 1]


async def test_unreadable_message_is_refused(database: Database) -> None:
    message = Message(type="user.deleted", source="users", subject="", data={})
    with pytest.raises(InvalidMessage):
        await UserDeletedHandler(PersonalDataRepository(database)).handle(message)
