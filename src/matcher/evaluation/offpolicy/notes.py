"""What was left out on the way to an off-policy answer, in both languages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matcher.evaluation.offpolicy.words import Language

__all__ = ["Note"]


@dataclass(frozen=True)
class Note:
    """A sentence in English and Vietnamese.

    Parameters
    ----------
    en, vi : str
        The sentence in each.
    """

    en: str
    vi: str

    def told(self, language: Language) -> str:
        """The sentence.

        Parameters
        ----------
        language : {"en", "vi"}
            Language.

        Returns
        -------
        str
            Text.

        Examples
        --------
        >>> Note("none is left out", "không bỏ gì").told("vi")
        'không bỏ gì'
        """
        return self.vi if language == "vi" else self.en
