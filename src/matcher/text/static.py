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

__all__ = ["PieceTexts", "StaticRecipe", "fit_piece_vectors"]

_POWER_STEPS: Final = 2
_EXTRA_DIMS: Final = 10
_LEAST_BATCH: Final = 2
_SMALL_BATCH: Final = 16
_LEAST_STEPS: Final = 16
"""Batches per epoch and kind of pair that few pairs are spread over."""
_LEAST_WORDS: Final = 3
"""Different pieces that a caption must have to be paired with its hashtags."""
_TAG_PASSES: Final = 2
_TINY: Final = 1e-6


@dataclass(frozen=True)
class StaticRecipe:
    """How piece vectors are fitted; the defaults were chosen on a real market."""

    dim: int = 256
    """Dimensions of a vector."""
    epochs: int = 3
    """Contrastive passes over the pairs."""
    smoothing: float = 1e-4
    """SIF weight of a piece of relative frequency p is smoothing / (smoothing + p)."""
    spread: float = 0.5
    """Power of the singular value that scales a direction; 0 makes all count alike."""
    n_common: int = 1
    """Directions shared by all texts that are taken out of corpora of `common_from` texts."""
    common_from: int = 5_000
    """Texts below which a shared direction is as likely a topic."""
    temperature: float = 0.15
    """Divides cosines before the softmax."""
    learning_rate: float = 0.007
    """Of Adam; falls to zero in a straight line. Vectors of texts have mean length 1 at first."""
    brief_rate: float = 0.25
    """Share of the learning rate for briefs, which are few and repeat."""
    batch_size: int = 256
    """Pairs that are negatives for each other; fewer where there are few pairs."""
    max_pairs: int = 15_000
    """Pairs of each kind per epoch at most."""
    max_documents: int = 50_000
    """Texts that the latent semantics rest on at most."""
    seed: int = 0


@dataclass(frozen=True)
class PieceTexts:
    """Pieces of the texts that vectors are fitted on.

    Parameters
    ----------
    words, tags : scipy.sparse.csr_matrix of float32, shape (n_texts, n_pieces)
        Pieces of each post's words, and of its hashtags.
    accounts : numpy.ndarray of int64, shape (n_texts,)
        Account of each post, 0 to n_accounts - 1.
    briefs, contents : scipy.sparse.csr_matrix of float32
        Pieces of the distinct briefs, and of the post in each pair.
    brief_of_pair : numpy.ndarray of int64, shape (n_pairs,)
        Row of `briefs` for each row of `contents`.
    """

    words: sparse.csr_matrix
    tags: sparse.csr_matrix
    accounts: _Ints
    briefs: sparse.csr_matrix
    contents: sparse.csr_matrix
    brief_of_pair: _Ints

    @property
    def posts(self) -> sparse.csr_matrix:
        """Pieces of each post, words and hashtags together."""
        return sparse.csr_matrix(self.words + self.tags)


def fit_piece_vectors(texts: PieceTexts, recipe: StaticRecipe) -> _Floats:
    """Vector of each piece, so that the mean over a text's pieces is the text's vector.

    The right singular vectors of the IDF-weighted piece-document matrix, weighted by smooth
    inverse frequency and without their common direction, are trained by InfoNCE with in-batch
    negatives. Belong together: two posts of one account; the words and the hashtags of one post,
    which ties run-together tags to the words that briefs use; a brief and an earlier post of an
    account hired for it. Pairs of the same account or brief are no negatives.

    Parameters
    ----------
    texts : PieceTexts
        Posts, briefs and pairs.
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
        vectors = _start_vectors(texts.posts, recipe)
        _Trainer(vectors, recipe).run(_draw_batches(texts, recipe))
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
    idf = np.log((1.0 + n_texts) / np.maximum(found, 1))
    vectors = np.zeros((n_pieces, recipe.dim), dtype=np.float32)
    latent = _latent_vectors(_sample_rows(counts, recipe, rng), idf, recipe, rng)
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
    if n_texts >= recipe.common_from and recipe.n_common > 0:
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
    counts: sparse.csr_matrix,
    idf: NDArray[np.float64],
    recipe: StaticRecipe,
    rng: np.random.Generator,
) -> _Floats:
    dim = recipe.dim
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
    squares, rotation = np.linalg.eigh((image.T @ image).astype(np.float64))
    share = np.maximum(squares[::-1][:dim], 0.0) / max(squares[-1], _TINY)
    leading = rotation[:, ::-1][:, :dim] * share ** (recipe.spread / 2.0)
    return np.asarray(basis @ leading.astype(np.float32), dtype=np.float32)


def _without_common(vectors: _Floats, means: sparse.csr_matrix, n_common: int) -> _Floats:
    texts = means @ vectors
    lengths = np.linalg.norm(texts, axis=1, keepdims=True)
    texts = texts / np.maximum(lengths, _TINY)
    _, directions = np.linalg.eigh((texts.T @ texts).astype(np.float64))
    common = directions[:, -n_common:].astype(np.float32)
    return np.asarray(vectors - (vectors @ common) @ common.T, dtype=np.float32)


@dataclass(frozen=True)
class _Side:
    """Texts on one side of pairs, as mean pieces."""

    texts: sparse.csr_matrix
    groups: _Ints


@dataclass(frozen=True)
class _Batch:
    """Rows of two sides that belong together; texts of equal groups are no negatives."""

    left: _Side
    right: _Side
    left_rows: _Ints
    right_rows: _Ints
    rate: float


def _draw_batches(texts: PieceTexts, recipe: StaticRecipe) -> list[_Batch]:
    rng = np.random.default_rng(recipe.seed)
    posts = _Side(_row_means(texts.posts), texts.accounts)
    words = _Side(_row_means(texts.words), texts.accounts)
    tags = _Side(_row_means(texts.tags), texts.accounts)
    briefs = _Side(_row_means(texts.briefs), np.arange(texts.briefs.shape[0]))
    contents = _Side(_row_means(texts.contents), np.arange(texts.contents.shape[0]))
    both = np.flatnonzero((_n_pieces(words) >= _LEAST_WORDS) & (_n_pieces(tags) > 0))
    batches: list[_Batch] = []
    for _ in range(recipe.epochs):
        left, right = _post_pairs(posts, rng)
        epoch = list(_batches(posts, posts, left, right, 1.0, recipe, rng))
        for _ in range(_TAG_PASSES):
            epoch += _batches(words, tags, both, both, 1.0, recipe, rng)
        rows = np.arange(len(texts.brief_of_pair))
        of_pair = texts.brief_of_pair
        epoch += _batches(briefs, contents, of_pair, rows, recipe.brief_rate, recipe, rng)
        batches += [epoch[place] for place in rng.permutation(len(epoch))]
    return batches


def _n_pieces(side: _Side) -> NDArray[np.integer[Any]]:
    return np.diff(side.texts.indptr)


def _post_pairs(posts: _Side, rng: np.random.Generator) -> tuple[_Ints, _Ints]:
    order = rng.permutation(posts.texts.shape[0])
    order = order[_n_pieces(posts)[order] > 0]
    order = order[np.argsort(posts.groups[order], kind="stable")]
    grouped = posts.groups[order]
    starts = np.flatnonzero(np.r_[True, grouped[1:] != grouped[:-1]][: len(grouped)])
    sizes = np.diff(np.r_[starts, len(grouped)])
    place = np.arange(len(grouped)) - np.repeat(starts, sizes)
    first = np.flatnonzero((place[:-1] % 2 == 0) & (grouped[:-1] == grouped[1:]))
    return order[first], order[first + 1]


def _batches(
    left: _Side,
    right: _Side,
    left_rows: _Ints,
    right_rows: _Ints,
    rate: float,
    recipe: StaticRecipe,
    rng: np.random.Generator,
) -> Iterator[_Batch]:
    order = rng.permutation(len(left_rows))[: recipe.max_pairs]
    size = min(max(len(order) // _LEAST_STEPS, _SMALL_BATCH), recipe.batch_size)
    for start in range(0, len(order), size):
        rows = order[start : start + size]
        if len(rows) >= _LEAST_BATCH:
            yield _Batch(left, right, left_rows[rows], right_rows[rows], rate)


class _Trainer:
    """Adam on the rows that a batch touches; changes `vectors` in place."""

    def __init__(self, vectors: _Floats, recipe: StaticRecipe) -> None:
        self.vectors = vectors
        self.recipe = recipe
        self.mean = np.zeros_like(vectors)
        self.square = np.zeros_like(vectors)

    def run(self, batches: Sequence[_Batch]) -> None:
        for number, batch in enumerate(batches):
            left = batch.left.texts[batch.left_rows]
            right = batch.right.texts[batch.right_rows]
            same = _equal(batch.left.groups[batch.left_rows])
            same |= _equal(batch.right.groups[batch.right_rows])
            np.fill_diagonal(same, False)
            touched, left, right = _compact(left, right)
            near, far = self._gradients(left, right, self.vectors[touched], same)
            gradient = left.T @ near + right.T @ far
            rate = self.recipe.learning_rate * (1.0 - number / len(batches)) * batch.rate
            self._update(touched, gradient, rate, number + 1)

    def _gradients(
        self,
        left: sparse.csr_matrix,
        right: sparse.csr_matrix,
        vectors: _Floats,
        same: NDArray[np.bool_],
    ) -> tuple[_Floats, _Floats]:
        a, a_length = _unit_rows(left @ vectors)
        b, b_length = _unit_rows(right @ vectors)
        logits = (a @ b.T) / np.float32(self.recipe.temperature)
        logits[same] = -np.inf
        slope = (_softmax(logits, axis=1) + _softmax(logits, axis=0)) / 2.0
        slope[np.diag_indices_from(slope)] -= 1.0
        slope /= np.float32(len(slope) * self.recipe.temperature)
        return _through_unit(slope @ b, a, a_length), _through_unit(slope.T @ a, b, b_length)

    def _update(self, rows: NDArray[np.int64], gradient: _Floats, rate: float, step: int) -> None:
        mean = self.mean[rows]
        mean += np.float32(0.1) * (gradient - mean)
        square = self.square[rows]
        square += np.float32(0.001) * (gradient * gradient - square)
        self.mean[rows], self.square[rows] = mean, square
        np.sqrt(square, out=square)
        square *= np.float32((1.0 - 0.999**step) ** -0.5)
        square += np.float32(1e-8)
        mean /= square
        mean *= np.float32(rate / (1.0 - 0.9**step))
        self.vectors[rows] -= mean


def _compact(
    left: sparse.csr_matrix, right: sparse.csr_matrix
) -> tuple[NDArray[np.int64], sparse.csr_matrix, sparse.csr_matrix]:
    """Columns that either matrix uses, and both matrices with only these columns."""
    used, place = np.unique(np.concatenate([left.indices, right.indices]), return_inverse=True)
    parts = np.split(place.astype(np.int32), [len(left.indices)])
    narrow = [
        sparse.csr_matrix((side.data, part, side.indptr), shape=(side.shape[0], len(used)))
        for side, part in zip((left, right), parts, strict=True)
    ]
    return used, narrow[0], narrow[1]


def _equal(groups: _Ints) -> NDArray[np.bool_]:
    return np.asarray(groups[:, None] == groups[None, :])


def _unit_rows(rows: _Floats) -> tuple[_Floats, _Floats]:
    lengths = np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), _TINY)
    return rows / lengths, lengths


def _softmax(logits: _Floats, *, axis: int) -> _Floats:
    shifted = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=axis, keepdims=True), dtype=np.float32)


def _through_unit(gradient: NDArray[Any], unit: _Floats, lengths: _Floats) -> _Floats:
    along = (gradient * unit).sum(axis=1, keepdims=True)
    return np.asarray((gradient - along * unit) / lengths, dtype=np.float32)
