"""Piece vectors of the built-in encoder: latent semantics, then contrastive training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy import sparse
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    _Floats = NDArray[np.float32]
    _Ints = NDArray[np.int64]

__all__ = ["StaticRecipe", "fit_piece_vectors"]

_POWER_STEPS: Final = 3
_EXTRA_DIMS: Final = 10
_LEAST_BATCH: Final = 2
_TINY: Final = 1e-6


@dataclass(frozen=True)
class StaticRecipe:
    """How piece vectors are fitted; the defaults were chosen on a real market."""

    dim: int = 256
    """Dimensions of a vector."""
    epochs: int = 3
    """Contrastive passes over the pairs."""
    smoothing: float = 1e-3
    """SIF weight of a piece of relative frequency p is smoothing / (smoothing + p)."""
    n_common: int = 1
    """Directions shared by all texts that are taken out."""
    temperature: float = 0.1
    """Divides cosines before the softmax."""
    learning_rate: float = 0.02
    """Of Adam; falls to zero in a straight line. Vectors of texts have mean length 1 at first."""
    batch_size: int = 512
    """Pairs of posts that are negatives for each other."""
    brief_batch_size: int = 256
    """Pairs of brief and post that are negatives for each other."""
    max_pairs: int = 25_000
    """Pairs of posts per epoch at most."""
    max_documents: int = 50_000
    """Texts that the latent semantics rest on at most."""
    seed: int = 0


def fit_piece_vectors(
    counts: sparse.csr_matrix,
    accounts: _Ints,
    *,
    briefs: sparse.csr_matrix,
    contents: sparse.csr_matrix,
    brief_of_pair: _Ints,
    recipe: StaticRecipe,
) -> _Floats:
    """Vector of each piece, so that the mean over a text's pieces is the text's vector.

    The right singular vectors of the IDF-weighted piece-document matrix, weighted by smooth
    inverse frequency and without their common direction, are trained by InfoNCE with in-batch
    negatives: two posts of one account belong together, and so do a brief and an earlier post of
    an account hired for it. Pairs of the same account or brief are no negatives.

    Parameters
    ----------
    counts : scipy.sparse.csr_matrix of float32, shape (n_texts, n_pieces)
        Pieces of each post.
    accounts : numpy.ndarray of int64, shape (n_texts,)
        Account of each post, 0 to n_accounts - 1.
    briefs, contents : scipy.sparse.csr_matrix of float32
        Pieces of the distinct briefs, and of the post in each pair.
    brief_of_pair : numpy.ndarray of int64, shape (n_pairs,)
        Row of `briefs` for each row of `contents`.
    recipe : StaticRecipe
        Settings.

    Returns
    -------
    numpy.ndarray of float32, shape (n_pieces, dim)
        Equal for equal input and seed; computed on one core whatever the machine.

    References
    ----------
    .. [1] Arora, Liang and Ma (2017), A simple but tough-to-beat baseline for sentence embeddings.
    .. [2] van den Oord, Li and Vinyals (2018), Representation learning with contrastive
       predictive coding.
    """
    with threadpool_limits(limits=1):
        vectors = _start_vectors(counts, recipe)
        means = _row_means(counts)
        pairs = _Pairs(means, accounts, _row_means(briefs), _row_means(contents), brief_of_pair)
        rng = np.random.default_rng(recipe.seed)
        batches = [batch for _ in range(recipe.epochs) for batch in pairs.batches(recipe, rng)]
        _Trainer(vectors, recipe).run(pairs, batches)
    return vectors


def _row_means(counts: sparse.csr_matrix) -> sparse.csr_matrix:
    lengths = np.asarray(counts.sum(axis=1)).ravel()
    return _scale_rows(counts, 1.0 / np.maximum(lengths, 1.0))


def _scale_rows(matrix: sparse.csr_matrix, factors: NDArray[np.floating]) -> sparse.csr_matrix:
    scaled = matrix.copy()
    spread = np.repeat(factors, np.diff(matrix.indptr))
    scaled.data = (scaled.data * spread).astype(np.float32)
    return scaled


def _start_vectors(counts: sparse.csr_matrix, recipe: StaticRecipe) -> _Floats:
    n_texts, n_pieces = counts.shape
    rng = np.random.default_rng(recipe.seed)
    found = np.bincount(counts.indices, minlength=n_pieces)
    idf = np.log((1.0 + n_texts) / (1.0 + found))
    vectors = np.zeros((n_pieces, recipe.dim), dtype=np.float32)
    latent = _latent_vectors(_sample_rows(counts, recipe, rng), idf, recipe.dim, rng)
    vectors[:, : latent.shape[1]] = latent
    share = np.asarray(counts.sum(axis=0)).ravel() / max(float(counts.sum()), 1.0)
    weight = recipe.smoothing / (recipe.smoothing + share)
    vectors *= weight[:, None].astype(np.float32)
    # Pieces that no text shows still tell texts apart, so that no language gives zero vectors.
    unseen = found == 0
    unseen[0] = False
    typical = float(np.median(np.linalg.norm(vectors[~unseen], axis=1)))
    noise = rng.standard_normal((int(unseen.sum()), recipe.dim)) * (typical / recipe.dim**0.5)
    vectors[unseen] = noise
    means = _row_means(counts)
    vectors = _without_common(vectors, means, recipe.n_common)
    lengths = np.linalg.norm(means @ vectors, axis=1)
    scale = float(lengths[lengths > 0].mean()) if (lengths > 0).any() else 1.0
    return vectors / np.float32(scale)


def _sample_rows(
    counts: sparse.csr_matrix, recipe: StaticRecipe, rng: np.random.Generator
) -> sparse.csr_matrix:
    if counts.shape[0] <= recipe.max_documents:
        return counts
    return counts[np.sort(rng.permutation(counts.shape[0])[: recipe.max_documents])]


def _latent_vectors(
    counts: sparse.csr_matrix, idf: NDArray[np.float64], dim: int, rng: np.random.Generator
) -> _Floats:
    weighted = counts.copy()
    weighted.data = ((1.0 + np.log(counts.data)) * idf[counts.indices]).astype(np.float32)
    lengths = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
    weighted = _scale_rows(weighted, 1.0 / np.maximum(lengths, _TINY))
    turned = weighted.T.tocsr()
    width = min(dim + _EXTRA_DIMS, min(weighted.shape))
    basis = rng.standard_normal((weighted.shape[1], width)).astype(np.float32)
    for _ in range(_POWER_STEPS):
        basis = np.linalg.qr(turned @ (weighted @ basis))[0]
    image = weighted @ basis
    _, rotation = np.linalg.eigh((image.T @ image).astype(np.float64))
    leading = rotation[:, ::-1][:, :dim].astype(np.float32)
    return np.asarray(basis @ leading, dtype=np.float32)


def _without_common(vectors: _Floats, means: sparse.csr_matrix, n_common: int) -> _Floats:
    if n_common == 0:
        return vectors
    texts = means @ vectors
    lengths = np.linalg.norm(texts, axis=1, keepdims=True)
    texts = texts / np.maximum(lengths, _TINY)
    _, directions = np.linalg.eigh((texts.T @ texts).astype(np.float64))
    common = directions[:, -n_common:].astype(np.float32)
    return np.asarray(vectors - (vectors @ common) @ common.T, dtype=np.float32)


@dataclass(frozen=True)
class _Batch:
    """Rows on the left and right; groups of which two equal ones are no negatives."""

    is_brief: bool
    left: _Ints
    right: _Ints
    left_group: _Ints
    right_group: _Ints


@dataclass(frozen=True)
class _Pairs:
    posts: sparse.csr_matrix
    accounts: _Ints
    briefs: sparse.csr_matrix
    contents: sparse.csr_matrix
    brief_of_pair: _Ints

    def batches(self, recipe: StaticRecipe, rng: np.random.Generator) -> Iterator[_Batch]:
        left, right = self._post_pairs(rng)
        order = rng.permutation(len(left))[: recipe.max_pairs]
        for rows in _slices(order, recipe.batch_size):
            groups = self.accounts[left[rows]]
            yield _Batch(False, left[rows], right[rows], groups, groups)
        order = rng.permutation(len(self.brief_of_pair))
        for rows in _slices(order, recipe.brief_batch_size):
            briefs = self.brief_of_pair[rows]
            yield _Batch(True, briefs, rows, briefs, rows)

    def _post_pairs(self, rng: np.random.Generator) -> tuple[_Ints, _Ints]:
        order = rng.permutation(self.posts.shape[0])
        order = order[np.diff(self.posts.indptr)[order] > 0]
        order = order[np.argsort(self.accounts[order], kind="stable")]
        grouped = self.accounts[order]
        starts = np.flatnonzero(np.r_[True, grouped[1:] != grouped[:-1]][: len(grouped)])
        sizes = np.diff(np.r_[starts, len(grouped)])
        place = np.arange(len(grouped)) - np.repeat(starts, sizes)
        first = np.flatnonzero((place[:-1] % 2 == 0) & (grouped[:-1] == grouped[1:]))
        return order[first], order[first + 1]

    def sides(self, batch: _Batch) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
        if batch.is_brief:
            return self.briefs[batch.left], self.contents[batch.right]
        return self.posts[batch.left], self.posts[batch.right]


def _slices(order: _Ints, size: int) -> Iterator[_Ints]:
    for start in range(0, len(order), size):
        rows = order[start : start + size]
        if len(rows) >= _LEAST_BATCH:
            yield rows


class _Trainer:
    """Adam on the rows that a batch touches; changes `vectors` in place."""

    def __init__(self, vectors: _Floats, recipe: StaticRecipe) -> None:
        self.vectors = vectors
        self.recipe = recipe
        self.mean = np.zeros_like(vectors)
        self.square = np.zeros_like(vectors)

    def run(self, pairs: _Pairs, batches: Sequence[_Batch]) -> None:
        for number, batch in enumerate(batches):
            left, right = pairs.sides(batch)
            left_gradient, right_gradient = self._gradients(left, right, batch)
            touched = np.unique(np.concatenate([left.indices, right.indices]))
            gradient = left[:, touched].T @ left_gradient + right[:, touched].T @ right_gradient
            rate = self.recipe.learning_rate * (1.0 - number / len(batches))
            self._update(touched, gradient, rate, number + 1)

    def _gradients(
        self, left: sparse.csr_matrix, right: sparse.csr_matrix, batch: _Batch
    ) -> tuple[_Floats, _Floats]:
        a, a_length = _unit_rows(left @ self.vectors)
        b, b_length = _unit_rows(right @ self.vectors)
        logits = (a @ b.T) / np.float32(self.recipe.temperature)
        same = batch.left_group[:, None] == batch.left_group[None, :]
        same |= batch.right_group[:, None] == batch.right_group[None, :]
        np.fill_diagonal(same, False)
        logits[same] = -np.inf
        slope = (_softmax(logits, axis=1) + _softmax(logits, axis=0)) / 2.0
        slope[np.diag_indices_from(slope)] -= 1.0
        slope /= np.float32(len(slope) * self.recipe.temperature)
        return _through_unit(slope @ b, a, a_length), _through_unit(slope.T @ a, b, b_length)

    def _update(self, rows: NDArray[np.int32], gradient: _Floats, rate: float, step: int) -> None:
        mean = 0.9 * self.mean[rows] + 0.1 * gradient
        square = 0.999 * self.square[rows] + 0.001 * gradient * gradient
        self.mean[rows], self.square[rows] = mean, square
        change = (mean / (1.0 - 0.9**step)) / (np.sqrt(square / (1.0 - 0.999**step)) + 1e-8)
        self.vectors[rows] -= np.float32(rate) * change


def _unit_rows(rows: _Floats) -> tuple[_Floats, _Floats]:
    lengths = np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), _TINY)
    return rows / lengths, lengths


def _softmax(logits: _Floats, *, axis: int) -> _Floats:
    shifted = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=axis, keepdims=True), dtype=np.float32)


def _through_unit(gradient: NDArray[Any], unit: _Floats, lengths: _Floats) -> _Floats:
    along = (gradient * unit).sum(axis=1, keepdims=True)
    return np.asarray((gradient - along * unit) / lengths, dtype=np.float32)
