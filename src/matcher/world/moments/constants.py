"""The numbers of the world, read from its own modules: constants, and those inside formulas."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import math
import pkgutil
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final

import numpy as np

__all__ = ["Constant", "Inline", "inline_numbers", "world_constants"]

_MACHINERY: Final = ("arrow", "noise", "simulate", "stored", "streams")
"""Modules whose constants say nothing about a market."""
_SOURCED: Final = re.compile(
    r"\d ?%|\b(?:19|20)\d\d\b|\bn = \d|\d to \d|published|Log-sd|rate cards?|\d+ posts"
    r"|\b(?:surveys?|audits?|stud(?:y|ies)|calculators?)\b"
)
"""What a text that names a figure or who published it holds."""
_ASSUMED: Final = re.compile(r"assumed|judgement|from memory")


@dataclass(frozen=True)
class Constant:
    """One constant of the world.

    Attributes
    ----------
    name : str
        Module and name.
    value : str
        Value in short.
    text : str
        What its source code says of it; empty if nothing.
    status : str
        ``calibrated`` where the text names a figure or its source, ``assumed`` else, ``partly``
        where it does both.
    """

    name: str
    value: str
    text: str
    status: str


@dataclass(frozen=True)
class Inline:
    """Numbers that stand inside the formulas of one function.

    Attributes
    ----------
    where : str
        Module and function.
    lines : tuple of str
        Lines of its source code that hold one.
    """

    where: str
    lines: tuple[str, ...]


def world_constants() -> tuple[Constant, ...]:
    """Knobs of the default world and the numbers that its modules fix.

    A constant is a name of a module that is declared ``Final`` and holds numbers; its text is the
    string below it and the comments beside it. So the list is never older than the code.

    Returns
    -------
    tuple of Constant
        Knobs first, then by module, in the order of the source.
    """
    import matcher.world as package
    from matcher.world import knobs

    found = list(_knobs(knobs))
    for module in _modules(package):
        found += _of_module(module)
    return tuple(found)


def inline_numbers() -> tuple[Inline, ...]:
    """Lines inside functions that hold a number with a fraction, or one that is no power of ten.

    Whole numbers written as such, 0, 1, 2, a half and powers of ten are left out: they count,
    index, or belong to a formula as it stands in books.

    Returns
    -------
    tuple of Inline
        By module, in the order of the source; functions without any are left out.
    """
    import matcher.world as package

    return tuple(one for module in _modules(package) for one in _inside(module))


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    for module in pkgutil.iter_modules(package.__path__):
        if not module.ispkg and module.name not in (*_MACHINERY, "knobs"):
            yield importlib.import_module(f"matcher.world.{module.name}")


def _inside(module: ModuleType) -> Iterator[Inline]:
    source = inspect.getsource(module)
    lines, room = source.splitlines(), module.__name__.rpartition(".")[2]
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef):
            continue
        held = {
            node.lineno
            for node in ast.walk(function)
            if isinstance(node, ast.Constant)
            and isinstance(node.value, float)
            and not _is_plain(node.value)
        }
        if held:
            code = tuple(lines[number - 1].strip() for number in sorted(held))
            yield Inline(f"{room}.{function.name}", code)


def _is_plain(value: float) -> bool:
    return value in (0.0, 0.5, 1.0, 2.0) or float(f"1e{math.floor(math.log10(value))}") == value


def _knobs(module: Any) -> Iterator[Constant]:
    lines = inspect.getsource(module).splitlines()
    tree = ast.parse("\n".join(lines))
    body = next(
        node.body
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.name == "WorldKnobs"
    )
    default = module.WorldKnobs()
    for node, text in _documented(body, lines):
        name = node.target.id if isinstance(node.target, ast.Name) else ""
        yield _constant(f"WorldKnobs.{name}", getattr(default, name), text)


def _of_module(module: ModuleType) -> Iterator[Constant]:
    lines = inspect.getsource(module).splitlines()
    room = module.__name__.rpartition(".")[2]
    for node, text in _documented(ast.parse("\n".join(lines)).body, lines):
        name = node.target.id if isinstance(node.target, ast.Name) else ""
        value = getattr(module, name, None)
        if node.value is None or not _is_literal(node.value) or not _is_numeric(value):
            continue
        beside = _beside_keys(node.value, lines)
        if isinstance(value, Mapping) and len(beside) > 1:
            for key, part in value.items():
                yield _constant(f"{room}.{name}[{key}]", part, beside.get(key, text))
        else:
            yield _constant(f"{room}.{name}", value, " ".join([text, *beside.values()]))


def _beside_keys(node: ast.expr, lines: list[str]) -> dict[object, str]:
    """Comments above the keys of a dict that is written out."""
    if not isinstance(node, ast.Dict):
        return {}
    keys = [key for key in node.keys if isinstance(key, ast.Constant)]
    found = {key.value: _comments_above(lines, key.lineno) for key in keys}
    return {key: text for key, text in found.items() if text}


def _documented(body: list[ast.stmt], lines: list[str]) -> Iterator[tuple[ast.AnnAssign, str]]:
    """Annotated names of a body, and the string below each, or the comments above it."""
    for k, node in enumerate(body):
        if not isinstance(node, ast.AnnAssign):
            continue
        after = body[k + 1] if k + 1 < len(body) else None
        text = ""
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            text = str(after.value.value)
        yield node, text or _comments_above(lines, node.lineno)


def _comments_above(lines: list[str], line: int) -> str:
    """Comment lines that end right above a line, numbered from 1."""
    found: list[str] = []
    for text in reversed(lines[: max(line - 1, 0)]):
        if not text.strip().startswith("#"):
            break
        found.append(text.strip().lstrip("# "))
    return " ".join(reversed(found))


def _is_literal(node: ast.expr) -> bool:
    """Whether a value is written out, rather than made from other constants."""
    calls = [one for one in ast.walk(node) if isinstance(one, ast.Call)]
    loops = (ast.GeneratorExp, ast.ListComp, ast.DictComp)
    if any(isinstance(one, loops) for one in ast.walk(node)):
        return False
    made = {ast.unparse(call.func) for call in calls}
    return all(name.startswith("np.") or name[:1].isupper() or name[:2] == "_S" for name in made)


def _is_numeric(value: Any) -> bool:
    if isinstance(value, bool):
        return True
    if isinstance(value, Mapping):
        return bool(value) and all(_is_numeric(part) for part in value.values())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return any(_is_numeric(getattr(value, one.name)) for one in dataclasses.fields(value))
    if isinstance(value, tuple):
        return bool(value) and all(_is_numeric(part) for part in value)
    if isinstance(value, np.ndarray):
        return value.size > 0 and value.dtype.kind in "bif"
    return isinstance(value, int | float | np.number)


def _constant(name: str, value: Any, text: str) -> Constant:
    text = " ".join(text.split())
    sourced, assumed = bool(_SOURCED.search(text)), bool(_ASSUMED.search(text))
    status = "partly" if sourced and assumed else "calibrated" if sourced else "assumed"
    return Constant(name, _short(value), text, status)


def _short(value: Any) -> str:
    if isinstance(value, bool | str):
        return str(value)
    if isinstance(value, np.ndarray):
        return _short(tuple(value.tolist()))
    if isinstance(value, float | np.floating):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_short(part)}" for key, part in value.items())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [one.name for one in dataclasses.fields(value)]
        return ", ".join(f"{name} {_short(getattr(value, name))}" for name in names)
    if isinstance(value, tuple | list):
        return "(" + ", ".join(_short(part) for part in value) + ")"
    return str(value)
