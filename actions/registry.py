"""Every action once: found in the packages of actions, in the order of the playbook."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from types import MappingProxyType, ModuleType

import actions.contain
import actions.watch
from actions.action import Action

_PACKAGES: tuple[ModuleType, ...] = (actions.contain, actions.watch)


def _found() -> Iterator[Action]:
    for package in _PACKAGES:
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            action = getattr(importlib.import_module(module.name), "ACTION", None)
            if isinstance(action, Action):
                yield action


ACTIONS: Mapping[str, Action] = MappingProxyType(
    {action.id: action for action in sorted(_found(), key=lambda action: (action.part, action.rank))}
)
"""Actions by id. A module of a package of actions that defines `ACTION` is in it: nothing else needs a change."""
