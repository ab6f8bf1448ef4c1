"""Public sets: topics of sentences, sentences and their translations, questions and passages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from matcher.errors import DataError
from matcher.evaluation.encoders.contestants import Contestants, TaskValues, find_ranks

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from matcher.evaluation.encoders.contestants import Vectors

__all__ = ["PASSAGES", "PUBLIC_SETS", "SENTENCES", "TOPICS", "find_public_sets", "judge_public"]

TOPICS: Final = "topic of a sentence"
SENTENCES: Final = "sentence to its translation"
PASSAGES: Final = "question to its passage"
_STRENGTHS: Final = (1.0, 10.0, 100.0, 1_000.0)
"""Inverse strengths of regularisation that the development sentences choose from."""
_NEAR: Final = (1, 10)
_STEPS: Final = 2_000


def judge_public(contestants: Contestants, folder: Path) -> Iterator[TaskValues]:
    """Every task of the public sets that a folder holds.

    Parameters
    ----------
    contestants : Contestants
        Contestants. TF-IDF is fitted anew on each set's own texts (for topics, on the training
        sentences), as anybody without an encoder would.
    folder : pathlib.Path
        Folder with some of `PUBLIC_SETS`.

    Yields
    ------
    TaskValues
        ``sib200``: accuracy of a logistic regression on the topic of the test sentences, within
        each language and from each to the other, and errors of finding the translation.
        ``tatoeba_vi_en``: errors of finding the translation. ``xquad``: recall of the passage
        among the first 1 and 10, clustered by passage.

    Raises
    ------
    DataError
        If a file lacks a column.
    """
    for name in find_public_sets(folder):
        files, judge = PUBLIC_SETS[name]
        yield from judge(name, contestants, [_read(folder / file) for file in files])


def find_public_sets(folder: Path) -> list[str]:
    """Public sets whose files a folder holds.

    Parameters
    ----------
    folder : pathlib.Path
        Folder; it need not be there.

    Returns
    -------
    list of str
        Names of `PUBLIC_SETS`, in its order.
    """
    return [
        name
        for name, (files, _) in PUBLIC_SETS.items()
        if all((folder / file).is_file() for file in files)
    ]


_COLUMNS: Final = {
    "sib200.parquet": ("index_id", "language", "split", "category", "text"),
    "tatoeba_vi_en.parquet": ("pair_id", "vi", "en"),
    "passages.parquet": ("passage_id", "language", "text"),
    "questions.parquet": ("question_id", "passage_id", "language", "text"),
}


def _read(path: Path) -> pd.DataFrame:
    table = pd.read_parquet(path)
    wanted = _COLUMNS[path.name]
    missing = [name for name in wanted if name not in table]
    if missing:
        raise DataError(
            f"{path}: lacks {', '.join(missing)}; expected the columns {', '.join(wanted)}"
        )
    return table.dropna(subset=list(wanted)).reset_index(drop=True)


def _judge_sib200(
    name: str, contestants: Contestants, tables: list[pd.DataFrame]
) -> Iterator[TaskValues]:
    table = tables[0]
    languages = sorted(set(table["language"]))
    parts = {
        (language, split): table[(table["language"] == language) & (table["split"] == split)]
        for language in languages
        for split in ("train", "dev", "test")
    }
    training = table.loc[table["split"] == "train", "text"].tolist()
    fitted = contestants.fitted_on(training)
    rows = {
        key: fitted.vectors(part["text"].tolist(), "content")
        for key, part in parts.items()
        if len(part)
    }
    for one in languages:
        learners = {
            which: _fit_topics(
                rows[one, "train"][which],
                parts[one, "train"]["category"],
                rows[one, "dev"][which],
                parts[one, "dev"]["category"],
            )
            for which in contestants.names
        }
        for two in languages:
            asked = parts[two, "test"]
            right = asked["category"].to_numpy(object)
            values = {
                which: (learner.predict(rows[two, "test"][which].columns()) == right).astype(float)
                for which, learner in learners.items()
            }
            label = one if one == two else f"{one} -> {two}"
            ids = asked["index_id"].to_numpy(object)
            yield TaskValues(name, TOPICS, label, "accuracy", values, ids, "sentences")
    sentences = table.drop_duplicates(["index_id", "language"])
    wide = sentences.pivot_table(
        index="index_id", columns="language", values="text", aggfunc="first"
    )
    yield from _judge_translations(name, contestants, wide.dropna())


def _fit_topics(train: Vectors, topics: pd.Series, dev: Vectors, dev_topics: pd.Series) -> Any:
    """Logistic regression of the strength that does best on the development sentences."""
    from sklearn.linear_model import LogisticRegression

    best, best_score = None, -1.0
    for strength in _STRENGTHS:
        learner = LogisticRegression(C=strength, max_iter=_STEPS)
        learner.fit(train.columns(), topics.to_numpy(object))
        score = float((learner.predict(dev.columns()) == dev_topics.to_numpy(object)).mean())
        if score > best_score:
            best, best_score = learner, score
    return best


def _judge_tatoeba(
    name: str, contestants: Contestants, tables: list[pd.DataFrame]
) -> Iterator[TaskValues]:
    yield from _judge_translations(name, contestants, tables[0].set_index("pair_id")[["vi", "en"]])


def _judge_translations(
    name: str, contestants: Contestants, wide: pd.DataFrame
) -> Iterator[TaskValues]:
    """Errors of finding each sentence's translation among all, in every direction."""
    fitted = contestants.fitted_on(wide.to_numpy(object).ravel().tolist())
    rows = {one: fitted.vectors(wide[one].tolist(), "content") for one in wide.columns}
    ids = wide.index.to_numpy(object)
    for one in wide.columns:
        for two in wide.columns:
            if one == two:
                continue
            wrong = {
                which: _missed(rows[one][which].like(rows[two][which]))
                for which in contestants.names
            }
            yield TaskValues(
                name, SENTENCES, f"{one} -> {two}", "error rate", wrong, ids, "sentences", False
            )


def _missed(likeness: NDArray[np.float64]) -> NDArray[np.float64]:
    """Chance that the nearest text is another one than that of the same row; ties at random."""
    best = likeness.max(axis=1, keepdims=True)
    own = np.diagonal(likeness)
    hit = np.where(own == best[:, 0], 1.0 / (likeness == best).sum(axis=1), 0.0)
    return np.asarray(1.0 - hit)


def _judge_xquad(
    name: str, contestants: Contestants, tables: list[pd.DataFrame]
) -> Iterator[TaskValues]:
    passages, questions = tables
    languages = sorted(set(passages["language"]) & set(questions["language"]))
    for one in languages:
        for two in languages:
            texts = passages[passages["language"] == two].drop_duplicates("passage_id")
            asked = questions[questions["language"] == one]
            targets = pd.Index(texts["passage_id"]).get_indexer(pd.Index(asked["passage_id"]))
            asked, targets = asked[targets >= 0], targets[targets >= 0]
            fitted = contestants.fitted_on(texts["text"].tolist())
            near = fitted.vectors(texts["text"].tolist(), "content")
            query = fitted.vectors(asked["text"].tolist(), "brief")
            ranks = {
                which: find_ranks(query[which].like(near[which]), targets)
                for which in contestants.names
            }
            label = one if one == two else f"{one} -> {two}"
            clusters = asked["passage_id"].to_numpy(object)
            for k in _NEAR:
                found = {which: (rank <= k).astype(np.float64) for which, rank in ranks.items()}
                yield TaskValues(name, PASSAGES, label, f"recall@{k}", found, clusters, "passages")


_Judge = Callable[[str, Contestants, list[pd.DataFrame]], Iterator[TaskValues]]
PUBLIC_SETS: Final[dict[str, tuple[tuple[str, ...], _Judge]]] = {
    "sib200": (("sib200/sib200.parquet",), _judge_sib200),
    "tatoeba_vi_en": (("tatoeba_vi_en/tatoeba_vi_en.parquet",), _judge_tatoeba),
    "xquad": (("xquad/passages.parquet", "xquad/questions.parquet"), _judge_xquad),
}
"""Files of each set below the folder, and what judges it."""
