"""What a room hands out bears the room's name, not that of a module inside it."""

from typing import Any


def hand_out(room: dict[str, Any], *inner: type) -> None:
    """Name the classes of a room after it, as the last line of its ``__init__``.

    Files of saved models, error messages and the documentation then say
    ``skquantum.circuits.AngleEncoding``, and the modules inside a room can move: what was saved
    before still loads.

    Parameters
    ----------
    room : dict
        The room's ``globals()``, with ``__all__``.
    *inner : type
        Classes that are not public, but part of fitted models, and that the room has as well.
    """
    name = room["__name__"]
    public = [room[each] for each in room["__all__"]]
    for kind in (*public, *inner):
        if isinstance(kind, type) and kind.__module__.startswith(f"{name}."):
            kind.__module__ = name
