"""What holds for the whole house: version, light imports, form of files and tests."""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import inspect
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from numpydoc.validate import validate

import matcher

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))
HEAVY = {"duckdb", "lightgbm", "mlflow", "numpy", "pandas", "pandera", "scipy", "sklearn", "torch"}


def test_installed_version_is_that_of_the_source() -> None:
    assert importlib.metadata.version("matcher") == matcher.__version__


def test_changelog_names_the_version_or_has_it_unreleased() -> None:
    heads = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert heads[0] in {"Unreleased", matcher.__version__}


def test_importing_the_command_line_imports_nothing_heavy() -> None:
    code = "import sys, matcher.cli; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stdout.split())


def test_importing_the_package_imports_nothing_heavy_and_its_names_are_there() -> None:
    code = (
        "import sys, matcher; assert dir(matcher) and 'matcher.config' not in sys.modules; "
        "print(*sorted({name.split('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not (HEAVY | {"pydantic", "typer"}) & set(done.stdout.split())
    assert all(getattr(matcher, name) is not None for name in matcher.__all__)
    assert set(matcher.__all__) <= set(dir(matcher))
    assert (ROOT / "src" / "matcher" / "py.typed").is_file()
    with pytest.raises(AttributeError, match="no attribute 'recommend_account'"):
        matcher.recommend_account  # noqa: B018


def test_what_the_package_offers_has_examples_that_run() -> None:
    functions = {name: getattr(matcher, name) for name in matcher.__all__}
    bare = [
        name
        for name, value in functions.items()
        if inspect.isfunction(value) and ">>> " not in (value.__doc__ or "")
    ]
    assert not bare
    assert ">>> " in (matcher.__doc__ or "")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_stay_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    n_lines = text.count("\n")
    assert n_lines <= 400, "split the file where it reads better"
    long = {
        node.name: lines
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef) and (lines := _body_lines(node)) > 80
    }
    assert not long, "split the functions where they read better"


def _body_lines(function: ast.FunctionDef) -> int:
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize("path", TESTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_expected_errors_are_matched_by_their_message(path: Path) -> None:
    loose = [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in {"pytest.raises", "pytest.warns"}
        and "match" not in {keyword.arg for keyword in node.keywords}
    ]
    assert not loose


def test_the_world_sees_nothing_but_the_schema_of_a_market() -> None:
    seen = {
        node.module
        for path in (ROOT / "src" / "matcher" / "world").rglob("*.py")
        if "judge" not in path.parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("matcher.")
    }
    rooms = {str(module).split(".")[1] for module in seen}
    assert rooms <= {"world", "market", "columns", "config", "errors", "files", "locks", "plain"}
    assert not {module for module in seen if str(module).startswith("matcher.world.judge")}


def test_only_the_command_line_imports_the_world_and_only_the_world_reads_the_truth() -> None:
    package = ROOT / "src" / "matcher"
    for path in sorted(package.rglob("*.py")):
        room = path.relative_to(package).parts[0]
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if room != "world":
            names = {
                name
                for node in ast.walk(tree)
                if isinstance(node, ast.Import | ast.ImportFrom)
                for name in [getattr(node, "module", None), *(one.name for one in node.names)]
            }
            assert room == "cli" or not any(str(name).startswith("matcher.world") for name in names)
        if room == "world":
            continue
        mentioned = [
            node.lineno
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and (node.value == "truth" or "truth/" in node.value)
            # The name by which the command line knows, and tells of, a simulated market.
            and not (room == "cli" and "truth/world.json" in node.value)
        ]
        assert not mentioned, path


def _documented() -> Iterator[str]:
    for found in pkgutil.walk_packages(matcher.__path__, "matcher."):
        module = importlib.import_module(found.name)
        for name, value in vars(module).items():
            if name.startswith("_") or getattr(value, "__module__", None) != found.name:
                continue
            if inspect.isfunction(value):
                yield f"{found.name}.{name}"
            elif inspect.isclass(value):
                yield f"{found.name}.{name}"
                for part, member in vars(value).items():
                    if inspect.isfunction(member) and not part.startswith("_"):
                        yield f"{found.name}.{name}.{part}"


def test_documented_parameters_exist() -> None:
    # At run time, where the fields of dataclasses count too; `make docs-check` sees source only.
    drifted = {
        name: errors
        for name in _documented()
        if (errors := [text for code, text in validate(name)["errors"] if code == "PR02"])
    }
    assert not drifted


def test_lock_pins_exact_releases_and_names_no_address() -> None:
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*", pin) for pin in pins)
    assert pins == sorted(pins, key=str.lower)
