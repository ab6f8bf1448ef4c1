"""Where the examples of docstrings run: a folder with the example data and a small model."""

from __future__ import annotations

from pathlib import Path

import pytest

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="session")
def example_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the example data, as the repository's root has them.

    Parameters
    ----------
    tmp_path_factory : pytest.TempPathFactory
        Makes it.

    Returns
    -------
    pathlib.Path
        The folder.
    """
    folder = tmp_path_factory.mktemp("examples")
    (folder / "data").symlink_to(DATA, target_is_directory=True)
    return folder


@pytest.fixture(scope="session")
def example_model(example_folder: Path) -> Path:
    """Model of the tiny market, for examples that read one.

    Parameters
    ----------
    example_folder : pathlib.Path
        Where ``models/tiny`` goes.

    Returns
    -------
    pathlib.Path
        Its bundle.
    """
    from matcher import MarketData, Settings, load_market, train_model

    settings = Settings.model_validate(
        {
            "encoder": {"dim": 32, "epochs": 1},
            "ranker": {"n_trees": 20, "n_draws": 1},
            "retrieval": {"min_posts": 1},
        }
    )
    data = MarketData(load_market(DATA / "tiny_market", settings.market))
    folder = example_folder / "models" / "tiny"
    train_model(data, settings, folder=folder, market_name="tiny", evaluate=False)
    return folder


@pytest.fixture(autouse=True)
def _stand_in_examples(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if not isinstance(request.node, pytest.DoctestItem):
        return
    monkeypatch.chdir(request.getfixturevalue("example_folder"))
    if "models/tiny" in (request.node.dtest.docstring or ""):
        request.getfixturevalue("example_model")
