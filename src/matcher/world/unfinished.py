"""How a market takes its place: whole or not at all, from where a stopped run left it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from matcher import __version__
from matcher.errors import OutputExistsError, UsageError
from matcher.files import write_output
from matcher.locks import claim_folder, hold_lock, is_stale
from matcher.plain import counted
from matcher.world.truth import RECORD
from matcher.world.writing import UnfinishedMarket, libraries, name_place

__all__ = ["Note", "open_market"]

Note = Callable[[str], None]

_REQUEST: Final = "request.json"
_HIDDEN: Final = ".{name}.{key}.matcher-part"
_ANY_HIDDEN: Final = re.compile(r"\.(.+)\.[0-9a-f]{16}\.matcher-part")


@contextmanager
def open_market(
    folder: Path, request: Mapping[str, Any], *, n_blocks: int, force: bool, note: Note
) -> Iterator[UnfinishedMarket]:
    """Market that takes its place when all went well.

    A run that ends otherwise leaves its whole parts in a hidden folder beside that place, where
    the next run with the same request finds them; nothing where no part is whole or one block is
    all there is. What nobody went on with within seven days is removed.

    Parameters
    ----------
    folder : pathlib.Path
        Place of the market.
    request : mapping of str to Any
        All that the user asked for, and the rest that settles the world; JSON values.
    n_blocks : int
        Blocks of the market.
    force : bool
        Replace a simulated market that stands there.
    note : callable
        Told what a user should know, in one line each.

    Yields
    ------
    UnfinishedMarket
        Where to write.

    Raises
    ------
    OutputExistsError
        If something stands there that may not be replaced.
    UsageError
        If another process is at work on it, or the disk refuses.
    """
    folder = Path(os.path.abspath(folder))  # noqa: PTH100 - a link at its place is refused below
    whole = {**request, "libraries": libraries(), "code": _hash_code(), "matcher": __version__}
    text = json.dumps(whole, sort_keys=True, ensure_ascii=False)
    key = hashlib.sha256(text.encode()).hexdigest()[:16]
    _refuse_to_replace(folder, force=force)
    with claim_folder(folder, f"simulate {key}"):
        # Again, since a run that was killed while it replaced a market has it back now.
        _refuse_to_replace(folder, force=force)
        found = UnfinishedMarket(
            folder.parent / _HIDDEN.format(name=folder.name, key=key), n_blocks
        )
        _look_around(folder, found.folder, whole, note)
        try:
            with name_place(folder):
                _begin(found, text)
            _tell_of_earlier(found, note)
            yield found
            with name_place(folder):
                _publish(found, folder, folder.parent / f".{folder.name}.{key[:8]}.matcher-old")
        finally:
            _leave(found, note)


def _begin(found: UnfinishedMarket, request: str) -> None:
    if not found.market.exists():
        # What is left where a run was killed right after its market took its place.
        shutil.rmtree(found.folder, ignore_errors=True)
    found.market.mkdir(parents=True, exist_ok=True)
    path = found.folder / _REQUEST
    write_output(path, lambda file: file.write_text(request, encoding="utf-8"), force=True)
    found.find_blocks()


def _refuse_to_replace(folder: Path, *, force: bool) -> None:
    if not os.path.lexists(folder):
        return
    if folder.is_symlink() or not folder.is_dir():
        what = "link" if folder.is_symlink() else "file"
        raise OutputExistsError(
            f"{folder}: is a {what}; expected a new folder; choose another path"
        )
    if not any(folder.iterdir()):
        return
    if not (folder / RECORD).is_file():
        raise OutputExistsError(
            f"{folder}: holds something already and no {RECORD}, so it is not replaced; "
            "choose another folder"
        )
    if not force:
        raise OutputExistsError(
            f"{folder}: holds something already; choose another folder, or pass --force to replace"
        )


def _tell_of_earlier(found: UnfinishedMarket, note: Note) -> None:
    if found.n_resumed:
        note(
            f"{found.n_resumed} of {found.n_blocks} parts were written by an earlier run that was "
            "stopped; going on from there"
        )
    if found.damaged:
        n = len(found.damaged)
        many = ("files", "are", "their parts are") if n > 1 else ("file", "is", "its part is")
        note(
            f"{n} {many[0]} of an earlier run {many[1]} not what was written: "
            f"{', '.join(found.damaged[:5])}; {many[2]} written again"
        )


def _publish(found: UnfinishedMarket, folder: Path, old: Path) -> None:
    if os.path.lexists(folder):
        folder.rename(old)
    try:
        found.market.rename(folder)
    except BaseException:
        if old.is_dir():
            old.rename(folder)
        raise
    if old.is_dir():
        shutil.rmtree(old)


def _leave(found: UnfinishedMarket, note: Note) -> None:
    is_done = not found.market.exists()
    if not is_done and found.n_blocks > 1 and found.n_kept:
        note(
            f"stopped after {found.n_kept} of {found.n_blocks} parts, which are kept for seven "
            f"days in {found.folder}; the same command goes on from there"
        )
        return
    shutil.rmtree(found.folder, ignore_errors=True)


def _look_around(folder: Path, own: Path, request: Mapping[str, Any], note: Note) -> None:
    """Remove what was given up, and say what else was begun for the same place."""
    for entry in sorted(folder.parent.iterdir()):
        named = _ANY_HIDDEN.fullmatch(entry.name)
        if named is None or entry == own or entry.is_symlink():
            continue
        if not (entry / _REQUEST).is_file():
            continue
        if is_stale(entry):
            _remove(entry, folder.parent / named[1], is_held=named[1] == folder.name)
        elif named[1] == folder.name:
            note(
                f"{entry}: holds parts of another market that was begun for {folder} "
                f"({_describe(entry / _REQUEST, request)}); they stay for seven days, for that "
                "command"
            )


def _remove(entry: Path, place: Path, *, is_held: bool) -> None:
    if is_held:
        shutil.rmtree(entry, ignore_errors=True)
        return
    # Someone may be at work on it after all; then it stays.
    with (
        suppress(UsageError, BlockingIOError),
        hold_lock(place.with_name(f".{place.name}.claim"), wait=False),
    ):
        shutil.rmtree(entry, ignore_errors=True)


def _describe(path: Path, request: Mapping[str, Any]) -> str:
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        text = (
            f"world {held['world']}, {counted(held['n_influencers'], 'influencer')}, "
            f"{counted(held['n_campaigns'], 'campaign')}, seed {held['seed']}"
        )
    except (OSError, ValueError, KeyError, TypeError):
        return "which one cannot be read"
    asked = ("world", "n_influencers", "n_campaigns", "seed")
    is_same = all(held[name] == request[name] for name in asked)
    return f"{text}, by another release of Matcher or its libraries" if is_same else text


def _hash_code() -> str:
    """SHA-256 of the generator itself, since parts of two of them make no market."""
    digest = hashlib.sha256()
    here = Path(__file__).parent
    for path in sorted([*here.rglob("*.py"), *here.rglob("*.json")]):
        digest.update(path.relative_to(here).as_posix().encode() + b"\0")
        digest.update(path.read_bytes())
    return digest.hexdigest()
