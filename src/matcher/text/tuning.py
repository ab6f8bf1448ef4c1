"""Tuning of any sentence transformer on texts that belong together; torch inside functions only."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from matcher.errors import EncoderError, LeakageError, SupportError, UsageError
from matcher.text.encoder import load_encoder
from matcher.text.folder import digest_files, find_model_folder
from matcher.text.registry import find_known_encoder
from matcher.text.transformer import open_transformer
from matcher.text.tuned import TuningRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from matcher.config import EncoderSettings
    from matcher.text.encoder import Encoder
    from matcher.text.identity import Role

    _Ints = NDArray[np.int64]

__all__ = ["TextPairs", "TuneRecipe", "hash_pairs", "tune_encoder"]

_LEAST_PAIRS: Final = 2


@dataclass(frozen=True)
class TextPairs:
    """Texts that belong together, row by row.

    Parameters
    ----------
    kind : str
        What the pairs are, for people.
    left, right : tuple of str, length n_pairs
        Raw texts. Those on the right are content.
    left_role : {"brief", "content"}
        Role of the texts on the left.
    left_groups, right_groups : numpy.ndarray of int64, shape (n_pairs,)
        Two rows of an equal group on either side are no negatives for each other.
    """

    kind: str
    left: tuple[str, ...]
    right: tuple[str, ...]
    left_role: Role
    left_groups: _Ints
    right_groups: _Ints

    def __post_init__(self) -> None:
        sizes = {len(self.left), len(self.right), len(self.left_groups), len(self.right_groups)}
        if len(sizes) != 1:
            raise EncoderError(
                f"pairs {self.kind!r}: {len(self.left)} and {len(self.right)} texts, "
                f"{len(self.left_groups)} and {len(self.right_groups)} groups; expected one length"
            )

    def __len__(self) -> int:
        return len(self.left)


@dataclass(frozen=True)
class TuneRecipe:
    """How an encoder is tuned.

    Parameters
    ----------
    epochs : int
        Passes over the pairs, 1 or more.
    batch_size : int
        Pairs that are negatives for each other, 2 or more.
    learning_rate : float
        Of AdamW at its highest; it rises over the first tenth of the steps and falls to zero.
    temperature : float
        Divides cosines before the softmax.
    seed : int
        Order of the pairs, and dropout.
    """

    epochs: int = 1
    batch_size: int = 32
    learning_rate: float = 2e-5
    temperature: float = 0.05
    seed: int = 0
    warmup_share: float = field(default=0.1, init=False)

    def __post_init__(self) -> None:
        bad = {
            "epochs": self.epochs < 1,
            "batch_size": self.batch_size < _LEAST_PAIRS,
            "learning_rate": not 0 < self.learning_rate < 1,
            "temperature": not self.temperature > 0,
        }
        if any(bad.values()):
            name = next(name for name, is_bad in bad.items() if is_bad)
            raise UsageError(
                f"tuning: `{name}` is {getattr(self, name)}; expected 1 epoch or more, batches of "
                "2 pairs or more, a learning rate between 0 and 1, a temperature above 0"
            )


def hash_pairs(pairs: Sequence[TextPairs]) -> str:
    """SHA-256 over the texts of some pairs, in their order.

    Parameters
    ----------
    pairs : sequence of TextPairs
        Pairs.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    total = hashlib.sha256()
    for one in pairs:
        for row in zip(one.left, one.right, strict=True):
            total.update("\0".join((one.kind, *row, "")).encode("utf-8", "surrogatepass"))
    return total.hexdigest()


def tune_encoder(
    settings: EncoderSettings,
    pairs: Sequence[TextPairs],
    folder: Path,
    *,
    trained_until: pd.Timestamp,
    data_hash: str,
    recipe: TuneRecipe | None = None,
    device: str | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> TuningRecord:
    r"""Sentence transformer tuned so that texts that belong together come near each other.

    Each batch holds pairs of one kind, and the other pairs of the batch are the negatives:

    .. math:: L = -\frac{1}{2n} \sum_i \left(\ln \frac{e^{a_i \cdot b_i / \tau}}
              {\sum_j e^{a_i \cdot b_j / \tau}} + \ln \frac{e^{a_i \cdot b_i / \tau}}
              {\sum_j e^{a_j \cdot b_i / \tau}}\right)

    over unit vectors, where pairs of an equal group are left out of the sums.

    Parameters
    ----------
    settings : EncoderSettings
        `name` and `revision` of the model to begin with, on this machine.
    pairs : sequence of TextPairs
        Pairs, all known before `trained_until`.
    folder : pathlib.Path
        Folder to fill with the model, its weights as safetensors, and the record.
    trained_until : pandas.Timestamp
        Instant that the encoder carries.
    data_hash : str
        Hash of the market that the pairs are of.
    recipe : TuneRecipe, optional
        Settings.
    device : str, optional
        Device; the best that is there when None. The processor gives equal bytes for equal input,
        seed, number of threads and release of torch.
    progress : callable, optional
        Told the name of the epoch, and steps done and in all.

    Returns
    -------
    TuningRecord
        What was written.

    Raises
    ------
    EncoderError
        If the model is not there or cannot be trained, or the loss is no finite number.
    LeakageError
        If the model to begin with was itself trained on texts from after `trained_until`.
    SupportError
        If there are fewer than two pairs that are negatives for each other.

    References
    ----------
    Henderson et al. (2017), Efficient natural language response suggestion for Smart Reply (the
    loss); van den Oord, Li and Vinyals (2018), Representation learning with contrastive predictive
    coding.
    """
    recipe = recipe if recipe is not None else TuneRecipe()
    base = load_encoder(settings)
    known_until = base.identity.trained_until
    if known_until is not None and trained_until < known_until:
        raise LeakageError(
            f"encoder {settings.name!r} was trained on texts until {known_until} and cannot be "
            f"tuned as of {trained_until}; give a later instant, or a model that saw no market"
        )
    source, _ = find_model_folder(settings.name, settings.revision, local_files_only=True)
    transformer = open_transformer(source, device=device, is_offline=True)
    transformer.default_prompt_name = None
    losses = _train(transformer, base, pairs, recipe, progress)
    folder.mkdir(parents=True, exist_ok=True)
    transformer.save(str(folder), create_model_card=False, safe_serialization=True)
    known = find_known_encoder(settings.name)
    stated = known.licence if known is not None and known.licence else ""
    record = TuningRecord(
        base=base.identity.name,
        base_revision=base.identity.revision,
        base_digest=base.identity.digest,
        licence=(stated or "not known here; see the card of the base model")
        + "; the texts of the market keep the rights of their authors",
        prompts=dict(base.identity.prompts),
        is_aligned=base.identity.is_aligned,
        trained_until=trained_until,
        data_hash=data_hash,
        pairs={one.kind: len(one) for one in pairs},
        pairs_hash=hash_pairs(pairs),
        recipe=asdict(recipe),
        losses=losses,
        digest=digest_files(folder),
    )
    record.write(folder)
    return record


def _train(
    transformer: Any,
    base: Encoder,
    pairs: Sequence[TextPairs],
    recipe: TuneRecipe,
    progress: Callable[[str, int, int], None] | None,
) -> tuple[float, ...]:
    import torch

    rng = np.random.default_rng(recipe.seed)
    epochs = [list(_batches(pairs, recipe, rng)) for _ in range(recipe.epochs)]
    n_steps = sum(map(len, epochs))
    if not all(epochs):
        raise SupportError(
            f"tuning: {sum(map(len, pairs))} pairs, none of which is a negative for another; "
            "expected pairs of two accounts or more before the cut"
        )
    weights = [weight for weight in transformer.parameters() if weight.requires_grad]
    if not weights:
        raise EncoderError(f"encoder {base.identity.name!r}: has no weights that can be trained")
    optimizer = torch.optim.AdamW(weights, lr=recipe.learning_rate, weight_decay=0.01)
    losses: list[float] = []
    step = 0
    with torch.random.fork_rng():
        torch.manual_seed(recipe.seed)
        transformer.train()
        for number, epoch in enumerate(epochs, start=1):
            total = 0.0
            for one, rows in epoch:
                for group in optimizer.param_groups:
                    group["lr"] = recipe.learning_rate * _rate(step, n_steps, recipe)
                loss = _loss(transformer, base, one, rows, recipe.temperature)
                optimizer.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(weights, 1.0)
                optimizer.step()
                total += float(loss.detach())
                step += 1
                if progress is not None:
                    progress("tuning", step, n_steps)
            losses.append(total / len(epoch))
            if not np.isfinite(losses[-1]):
                raise EncoderError(
                    f"tuning: the loss of epoch {number} is {losses[-1]}; give a smaller "
                    f"learning rate than {recipe.learning_rate}"
                )
        transformer.eval()
    return tuple(losses)


def _rate(step: int, n_steps: int, recipe: TuneRecipe) -> float:
    """Share of the learning rate: rises in a straight line, then falls to zero in one."""
    n_warm = max(1, round(n_steps * recipe.warmup_share))
    return min((step + 1) / n_warm, (n_steps - step) / max(n_steps - n_warm, 1), 1.0)


def _batches(
    pairs: Sequence[TextPairs], recipe: TuneRecipe, rng: np.random.Generator
) -> Iterator[tuple[TextPairs, _Ints]]:
    """Batches of one kind of pair each, kinds mixed; those without a negative are left out."""
    found = []
    for one in pairs:
        order = rng.permutation(len(one))
        for start in range(0, len(order), recipe.batch_size):
            rows = order[start : start + recipe.batch_size]
            if not _same(one, rows).all():
                found.append((one, rows))
    for place in rng.permutation(len(found)):
        yield found[place]


def _same(pairs: TextPairs, rows: _Ints) -> NDArray[np.bool_]:
    """Which rows of a batch are no negatives for each other, shape (n_rows, n_rows)."""
    left, right = pairs.left_groups[rows], pairs.right_groups[rows]
    return np.asarray((left[:, None] == left) | (right[:, None] == right))


def _loss(
    transformer: Any, base: Encoder, pairs: TextPairs, rows: _Ints, temperature: float
) -> Any:
    import torch

    left = _vectors(transformer, base, [pairs.left[row] for row in rows], pairs.left_role)
    right = _vectors(transformer, base, [pairs.right[row] for row in rows], "content")
    same = _same(pairs, rows)
    np.fill_diagonal(same, False)
    logits = (left @ right.T) / temperature
    logits = logits.masked_fill(torch.from_numpy(same).to(logits.device), -torch.inf)
    places = torch.arange(len(rows), device=logits.device)
    entropy = torch.nn.functional.cross_entropy
    return (entropy(logits, places) + entropy(logits.T, places)) / 2.0


def _vectors(transformer: Any, base: Encoder, texts: Sequence[str], role: Role) -> Any:
    """Unit rows of texts as the encoder itself would prepare them, with their gradients."""
    import torch

    prompt = base.identity.prompts.get(role, "")
    prepared = [base.prepare(text) for text in texts]
    if hasattr(transformer, "preprocess"):
        features = transformer.preprocess(prepared, prompt=prompt or None)
    else:  # earlier releases
        features = transformer.tokenize([prompt + text for text in prepared])
    device = transformer.device
    features = {
        name: value.to(device) if hasattr(value, "to") else value
        for name, value in features.items()
    }
    return torch.nn.functional.normalize(transformer(features)["sentence_embedding"], dim=1)
