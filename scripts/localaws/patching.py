"""Putting our own code in the place of moto's."""

from __future__ import annotations


def replace(owner: object, **members: object) -> None:
    """Puts members in the place of those of the same names.

    Args:
        owner: a class or module of moto.
        members: by name, what takes their place.

    Raises:
        AttributeError: the owner has no such member: a newer moto has moved it.
    """
    for name, member in members.items():
        getattr(owner, name)
        setattr(owner, name, member)
