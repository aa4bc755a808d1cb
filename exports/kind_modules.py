"""Kinds of channels and destinations: a new kind is one new module, which declares KIND."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise


@dataclass(frozen=True)
class FormField:
    """A field of the form of a channel or destination, as its kind declares it."""

    name: str
    label: "StrPromise | str"
    help_text: "StrPromise | str" = ""
    # text, number, choice, lines, url, yes
    type: str = "text"
    is_required: bool = True
    # Encrypted when stored, never shown again.
    is_secret: bool = False
    # After a change the secrets are typed again, as they would go elsewhere (rule C5).
    is_bound: bool = False
    initial: Any = ""
    choices: tuple[tuple[str, "StrPromise | str"], ...] = ()
    max_length: int = 500
    required_sentence: "StrPromise | str" = ""
    # Returns what is stored; raises ValueError, whose text says what is right.
    clean: Callable[[str], str] = str.strip


def kinds_in(package: ModuleType) -> dict[str, Any]:
    """Each KIND by its code."""
    return _kinds_in(package.__name__, tuple(package.__path__))


# By the path too: a test puts a folder of its own into it.
@lru_cache(maxsize=8)
def _kinds_in(name: str, path: tuple[str, ...]) -> dict[str, Any]:
    modules = [import_module(f"{name}.{found.name}") for found in iter_modules(list(path))]
    declared = [module.KIND for module in modules if hasattr(module, "KIND")]
    return {kind.code: kind for kind in declared}
