"""The notebooks run from start to end."""

from __future__ import annotations

import warnings
from pathlib import Path

import jupytext
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Kernels write their connection files, history and settings there.
    for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("MATCHER_HOME", str(tmp_path / "home"))
    notebook = jupytext.read(path)
    with warnings.catch_warnings():
        # Of the kernel's own plumbing, on which nothing here has a say.
        warnings.simplefilter("ignore")
        client = NotebookClient(
            notebook,
            timeout=120,
            kernel_name="python3",
            resources={"metadata": {"path": str(ROOT / "notebooks")}},
        )
        client.execute()
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in cells)
    shown = [out for cell in cells for out in cell.outputs]
    rich = {"text/html", "image/png"}
    assert sum(bool(rich & set(out.get("data", {}))) for out in shown) >= 8
