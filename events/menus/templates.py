"""The starter templates of performance menus (M1)."""

from collections.abc import Sequence
from typing import Final

from common.money import money
from events.menus.schemas import (
    DeviceActivation,
    MenuTemplate,
    NewMenu,
    NewMenuItem,
    QueueMode,
    TemplateName,
    Theme,
    Visibility,
)


def _item(
    name: str,
    description: str,
    category: str,
    *,
    credits_: str,
    points: int,
    minutes: int = 0,
    a_day: int | None = None,
    per_user: int | None = None,
    device: DeviceActivation | None = None,
) -> NewMenuItem:
    return NewMenuItem(
        name=name,
        description=description,
        category=category,
        token_value=money(credits_),
        bonus_loyalty_points=points,
        estimated_minutes=minutes,
        daily_limit=a_day,
        daily_limit_per_user=per_user,
        device_activation=device,
    )


_QUICK_FUN: Final = MenuTemplate(
    template=TemplateName.QUICK_FUN,
    menu=NewMenu(
        name="Quick Fun",
        description="Small things that happen at once.",
        theme=Theme(primary_color="#ff6b35", background_color="#fff8f0", text_color="#2b2b2b", emoji="🎉"),
    ),
    menu_items=[
        _item("Wave", "A wave into your camera.", "greetings", credits_="2.00", points=1),
        _item("Shout-out", "Your name between two songs.", "greetings", credits_="5.00", points=3),
        _item("Encore vote", "A vote for one more song.", "songs", credits_="3.00", points=2, per_user=5),
        _item(
            "Light burst",
            "The stage lights flash for you.",
            "effects",
            credits_="4.00",
            points=2,
            device=DeviceActivation(intensity=12, duration_seconds=5),
        ),
        _item(
            "Confetti",
            "A burst of confetti over the front rows.",
            "effects",
            credits_="8.00",
            points=5,
            a_day=50,
            device=DeviceActivation(pattern="pulse", duration_seconds=10),
        ),
    ],
)

_PRIVATE_ENERGY: Final = MenuTemplate(
    template=TemplateName.PRIVATE_ENERGY,
    menu=NewMenu(
        name="Private Energy",
        description="Made for you, one request after the other.",
        queue_mode=QueueMode.ON,
        theme=Theme(primary_color="#3a0ca3", secondary_color="#f72585", text_color="#ffffff", emoji="🎶"),
    ),
    menu_items=[
        _item(
            "Song dedication",
            "The next song is for the name you send.",
            "songs",
            credits_="25.00",
            points=15,
            minutes=5,
        ),
        _item(
            "Song request", "A song of your choice from the set list.", "songs", credits_="30.00", points=20, minutes=6
        ),
        _item(
            "Video greeting",
            "A recorded greeting of half a minute.",
            "recordings",
            credits_="40.00",
            points=30,
            minutes=10,
        ),
        _item(
            "Voice message",
            "A recorded message for a birthday or a wedding.",
            "recordings",
            credits_="20.00",
            points=12,
            minutes=5,
            a_day=20,
        ),
        _item(
            "Handwritten lyrics",
            "A verse on paper, photographed and sent to you.",
            "keepsakes",
            credits_="35.00",
            points=25,
            minutes=15,
            a_day=10,
            per_user=2,
        ),
    ],
)

_VIP_EXPERIENCE: Final = MenuTemplate(
    template=TemplateName.VIP_EXPERIENCE,
    menu=NewMenu(
        name="VIP Experience",
        description="For subscribers, close to the stage.",
        queue_mode=QueueMode.ON,
        visibility=Visibility.SUBSCRIBERS_ONLY,
        theme=Theme(primary_color="#b8860b", background_color="#111111", text_color="#f5f5f5", emoji="⭐"),
    ),
    menu_items=[
        _item(
            "Signed set list",
            "Tonight's set list, signed and sent by post.",
            "keepsakes",
            credits_="80.00",
            points=60,
            minutes=10,
            a_day=5,
            per_user=1,
        ),
        _item(
            "Soundcheck visit",
            "Watch the next soundcheck from the floor.",
            "visits",
            credits_="150.00",
            points=120,
            minutes=30,
            a_day=4,
            per_user=1,
        ),
        _item(
            "Backstage call",
            "A video call of ten minutes after the show.",
            "calls",
            credits_="120.00",
            points=90,
            minutes=10,
            a_day=3,
            per_user=1,
        ),
        _item(
            "Private acoustic song",
            "One song, recorded for you alone.",
            "recordings",
            credits_="200.00",
            points=150,
            minutes=20,
            a_day=2,
            per_user=1,
        ),
    ],
)

TEMPLATES: Final[Sequence[MenuTemplate]] = (_QUICK_FUN, _PRIVATE_ENERGY, _VIP_EXPERIENCE)
