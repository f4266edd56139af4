"""Menus in PostgreSQL. What a performer changes is found by that performer's id too: the menus of others are out of reach."""

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Generic, TypeVar

from pydantic import BaseModel
from sqlalchemy import ColumnElement, Select, Table, and_, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from common.db.engine import Database, Row
from common.db.idempotency import IdempotencyStore, ParticipantRequest, load_result, store_result
from common.rows import readable
from events.audit import changed, is_same, record
from events.menus.errors import ItemNotFound, MenuNotFound, TooManyItems, TooManyMenus, TooManyPoints
from events.menus.models import menu_items, menu_whitelist, menus
from events.menus.schemas import POINTS_PER_CREDIT, Item, MenuKind
from events.performers.errors import ProfileNotWritten
from events.performers.models import performers
from events.performers.schemas import Actor

MOST_MENUS: Final = 20  # of a kind
MOST_ITEMS: Final = 100

MenuT = TypeVar("MenuT", bound=BaseModel)  # TipMenu or OwnMenu
ItemT = TypeVar("ItemT", bound=Item)

_WHITELISTED_USERS: Final = (
    select(func.count())
    .select_from(menu_whitelist)
    .where(menu_whitelist.c.menu_id == menus.c.menu_id)
    .scalar_subquery()
    .label("whitelisted_users")
)


@dataclass(frozen=True, slots=True)
class MenuRepository(Generic[MenuT, ItemT]):
    """The menus of one kind. `menu` and `item` are their representations."""

    database: Database
    kind: MenuKind
    menu: type[MenuT]
    item: type[ItemT]

    async def list_of(self, performer_id: uuid.UUID, *, only_active: bool = False) -> list[MenuT]:
        """Return a performer's menus with their items, both in order."""
        conditions = [self._owned_by(performer_id)]
        if only_active:
            conditions.append(menus.c.is_active)
        found = await self.database.fetch_all(_select_menus(*conditions))
        items = await items_of(self.database, [row["menu_id"] for row in found], self.item, only_active=only_active)
        return readable(found, lambda row: self._menu(row, items.get(row["menu_id"], [])), of="menus")

    async def create(
        self,
        request: ParticipantRequest,
        actor: Actor,
        values: Mapping[str, Any],
        items: Sequence[Mapping[str, Any]] = (),
    ) -> MenuT:
        """Store a menu with items.

        Raises:
            ProfileNotWritten: the performer has no profile.
            TooManyMenus: the performer has 20 of the kind.
        """
        siblings = self._owned_by(actor.performer_id)

        async def store(connection: AsyncConnection) -> MenuT:
            await _require_room(connection, siblings, of=menus, most=MOST_MENUS)
            menu_id = uuid.uuid4()
            first = {"menu_id": menu_id, "performer_id": actor.performer_id, "kind": self.kind.value}
            row = await _insert(connection, menus, {**first, **values}, siblings)
            of_menu = menu_items.c.menu_id == menu_id
            numbered = [{**item, "menu_id": menu_id, "item_id": uuid.uuid4()} for item in items]
            stored = [await _insert(connection, menu_items, item, of_menu) for item in numbered]
            shown = {**changed(row, {**first, **values}), "items": len(stored)}
            await record(connection, actor, "menu.create", menu_id, after=shown)
            return self._menu({**row, "whitelisted_users": 0}, [self.item.model_validate(item) for item in stored])

        return self.menu.model_validate(await self._once(request, actor, store))

    async def change(self, actor: Actor, menu_id: uuid.UUID, changes: Mapping[str, Any]) -> MenuT:
        """Change a menu.

        Raises:
            MenuNotFound: the performer has no such menu.
            DeactivatedByAdmin: a performer reactivates a menu that an admin has deactivated.
        """
        own = and_(menus.c.menu_id == menu_id, self._owned_by(actor.performer_id))
        async with self.database.transaction() as connection:
            if await _update(connection, menus, own, changes, by=actor, action="menu.change") is None:
                raise MenuNotFound
            row = (await connection.execute(_select_menus(own))).mappings().one()
        items = await items_of(self.database, [menu_id], self.item)
        return self._menu(row, items.get(menu_id, []))

    async def delete(self, actor: Actor, menu_id: uuid.UUID) -> None:
        """Take a menu off for ever, and empty its whitelist. A repeated call changes nothing.

        Raises:
            MenuNotFound: the performer has never had such a menu.
        """
        owner, kind = menus.c.performer_id == actor.performer_id, menus.c.kind == self.kind.value
        own = and_(menus.c.menu_id == menu_id, owner, kind)
        async with self.database.transaction() as connection:
            if await _update(connection, menus, own, {"is_deleted": True}, by=actor, action="menu.delete") is None:
                raise MenuNotFound
            await connection.execute(delete(menu_whitelist).where(menu_whitelist.c.menu_id == menu_id))

    async def add_item(
        self, request: ParticipantRequest, actor: Actor, menu_id: uuid.UUID, values: Mapping[str, Any]
    ) -> ItemT:
        """Store an item of a menu.

        Raises:
            ProfileNotWritten: the performer has no profile.
            MenuNotFound: the performer has no such menu.
            TooManyItems: the menu has 100.
            TooManyPoints: its price allows fewer bonus points.
        """
        of_menu = and_(menu_items.c.menu_id == menu_id, ~menu_items.c.is_deleted)

        async def store(connection: AsyncConnection) -> ItemT:
            if (await connection.execute(self._own_menu(actor, menu_id))).first() is None:
                raise MenuNotFound
            await _require_room(connection, of_menu, of=menu_items, most=MOST_ITEMS)
            _require_few_points(values)
            first = {"item_id": uuid.uuid4(), "menu_id": menu_id}
            row = await _insert(connection, menu_items, {**first, **values}, of_menu)
            shown = changed(row, {**first, **values})
            await record(connection, actor, "menu_item.create", row["item_id"], after=shown)
            return self.item.model_validate(row)

        return self.item.model_validate(await self._once(request, actor, store))

    async def change_item(
        self, actor: Actor, menu_id: uuid.UUID, item_id: uuid.UUID, changes: Mapping[str, Any]
    ) -> ItemT:
        """Change an item.

        Raises:
            MenuNotFound: the performer has no such menu.
            ItemNotFound: the menu has no such item.
            TooManyPoints: its price allows fewer bonus points.
            DeactivatedByAdmin: a performer reactivates an item that an admin has deactivated.
        """
        row = await self._update_item(
            actor, menu_id, item_id, ~menu_items.c.is_deleted, changes=changes, action="menu_item.change"
        )
        return self.item.model_validate(row)

    async def delete_item(self, actor: Actor, menu_id: uuid.UUID, item_id: uuid.UUID) -> None:
        """Take an item off for ever. A repeated call changes nothing.

        Raises:
            MenuNotFound: the performer has no such menu.
            ItemNotFound: the menu has never had such an item.
        """
        await self._update_item(actor, menu_id, item_id, changes={"is_deleted": True}, action="menu_item.delete")

    async def require(self, actor: Actor, menu_id: uuid.UUID) -> None:
        """Raise MenuNotFound unless the menu is the performer's."""
        if await self.database.fetch_one(self._own_menu(actor, menu_id)) is None:
            raise MenuNotFound

    async def _update_item(
        self,
        actor: Actor,
        menu_id: uuid.UUID,
        item_id: uuid.UUID,
        *conditions: ColumnElement[bool],
        changes: Mapping[str, Any],
        action: str,
    ) -> Row:
        of_menu = menu_items.c.menu_id.in_(self._own_menu(actor, menu_id))
        wanted = and_(menu_items.c.item_id == item_id, of_menu, *conditions)
        async with self.database.transaction() as connection:
            row = await _update(connection, menu_items, wanted, changes, by=actor, action=action)
        if row is None:
            await self.require(actor, menu_id)
            raise ItemNotFound
        return row

    def _owned_by(self, performer_id: uuid.UUID) -> ColumnElement[bool]:
        return and_(menus.c.performer_id == performer_id, menus.c.kind == self.kind.value, ~menus.c.is_deleted)

    def _own_menu(self, actor: Actor, menu_id: uuid.UUID) -> Select[uuid.UUID]:
        return select(menus.c.menu_id).where(menus.c.menu_id == menu_id, self._owned_by(actor.performer_id))

    def _menu(self, row: Row, items: Sequence[Item]) -> MenuT:
        return self.menu.model_validate({**row, "items": items})

    async def _once(
        self, request: ParticipantRequest, actor: Actor, store: Callable[[AsyncConnection], Awaitable[BaseModel]]
    ) -> dict[str, Any]:
        """Return the stored answer, or that of `store`.

        The performer's row is locked before, so that concurrent requests count and number one after the other.

        Raises:
            ProfileNotWritten: there is no such row.
        """
        async with IdempotencyStore(self.database).transaction(request) as connection:
            row = select(performers.c.performer_id).where(performers.c.performer_id == actor.performer_id)
            if (await connection.execute(row.with_for_update(key_share=True))).first() is None:
                raise ProfileNotWritten
            done = await load_result(connection, request)
            if done is None:
                done = (await store(connection)).model_dump(mode="json")
                await store_result(connection, request, done)
            return done


async def _require_room(connection: AsyncConnection, siblings: ColumnElement[bool], *, of: Table, most: int) -> None:
    count = await connection.scalar(select(func.count()).select_from(of).where(siblings))
    if (count or 0) >= most:
        raise TooManyMenus if of is menus else TooManyItems


def _require_few_points(item: Mapping[Any, Any]) -> None:
    if item["bonus_loyalty_points"] > Decimal(item["price"]) * POINTS_PER_CREDIT:
        raise TooManyPoints


async def _insert(
    connection: AsyncConnection, table: Table, values: Mapping[str, Any], siblings: ColumnElement[bool]
) -> Row:
    """Insert a row, behind its siblings unless it has a position."""
    last = select(func.coalesce(func.max(table.c.position), 0) + 1).where(siblings).scalar_subquery()
    position = values.get("position")
    statement = insert(table).values({**values, "position": last if position is None else position})
    row: Row = (await connection.execute(statement.returning(table))).mappings().one()
    return row


async def _update(
    connection: AsyncConnection,
    table: Table,
    wanted: ColumnElement[bool],
    changes: Mapping[str, Any],
    *,
    by: Actor,
    action: str,
) -> Row | None:
    """Change a menu or an item and record that, unless it has the values already; None if there is no such row."""
    key = table.primary_key.columns[0].name
    before = (await connection.execute(select(table).where(wanted).with_for_update(key_share=True))).mappings().first()
    if before is None:
        return None
    changes = by.guarded(changes, before)
    if is_same(before, changes):
        return before
    if table is menu_items:
        _require_few_points({**before, **changes})
    statement = update(table).where(wanted).values(**changes, updated_at=func.now())
    row: Row = (await connection.execute(statement.returning(table))).mappings().one()
    await record(connection, by, action, row[key], before=changed(before, changes), after=changed(row, changes))
    return row


def _select_menus(*conditions: ColumnElement[bool]) -> Select[Any]:
    return select(menus, _WHITELISTED_USERS).where(*conditions).order_by(menus.c.position, menus.c.created_at)


async def items_of(
    database: Database, menu_ids: Sequence[uuid.UUID], item: type[ItemT], *, only_active: bool = False
) -> dict[uuid.UUID, list[ItemT]]:
    """Return the items of menus, in order, by menu."""
    conditions = [menu_items.c.menu_id.in_(menu_ids), ~menu_items.c.is_deleted]
    if only_active:
        conditions.append(menu_items.c.is_active)
    statement = select(menu_items).where(*conditions)
    rows = await database.fetch_all(
        statement.order_by(menu_items.c.position, menu_items.c.created_at, menu_items.c.item_id)
    )
    found: dict[uuid.UUID, list[ItemT]] = {}
    for menu_id, read in readable(rows, lambda row: (row["menu_id"], item.model_validate(row)), of="menu_items"):
        found.setdefault(menu_id, []).append(read)
    return found
