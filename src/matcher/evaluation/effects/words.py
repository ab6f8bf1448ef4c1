"""Answers on effects in plain English and Vietnamese."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matcher.evaluation.effects.answer import EffectAnswer
    from matcher.evaluation.offpolicy.words import Language

__all__ = [
    "outcome_words",
    "state_assumptions",
    "state_decline",
    "state_grade",
    "state_verdict",
    "term_words",
]

_TERMS: Final[Mapping[str, Mapping[str, str]]] = {
    "fee_per_post": {"en": "doubling the fee per post", "vi": "tăng gấp đôi phí mỗi bài"},
    "n_posts": {"en": "doubling the number of posts", "vi": "tăng gấp đôi số bài"},
    "budget_per_creator": {
        "en": "doubling the budget per creator",
        "vi": "tăng gấp đôi ngân sách mỗi người",
    },
    "disclosed": {
        "en": "marking posts as advertising",
        "vi": "ghi rõ bài đăng là quảng cáo",
    },
}
_FORMATS: Final[Mapping[str, str]] = {
    "image": "ảnh",
    "carousel": "album ảnh",
    "short_video": "video ngắn",
    "video": "video",
    "story": "story",
    "live": "livestream",
    "text": "bài chữ",
    "article": "bài viết dài",
    "audio": "audio",
}
_GROUPS: Final[Mapping[str, str]] = {
    "reach": "độ phủ",
    "relevance": "độ liên quan",
    "resonance": "khả năng thuyết phục",
    "follower_quality": "chất lượng người theo dõi",
    "expertise": "chuyên môn",
    "conduct": "tác phong",
    "audience": "khán giả",
    "history": "lịch sử hợp tác",
    "price": "giá",
    "platform": "nền tảng",
}
_OUTCOMES: Final[Mapping[str, Mapping[str, str]]] = {
    "engagements": {"en": "engagements", "vi": "lượt tương tác"},
    "views": {"en": "views", "vi": "lượt xem"},
    "reach": {"en": "reach", "vi": "lượt tiếp cận"},
    "impressions": {"en": "impressions", "vi": "lượt hiển thị"},
    "trust_proxy": {"en": "the trust rate", "vi": "tỷ lệ tin cậy"},
    "link_clicks": {"en": "link clicks", "vi": "lượt nhấp liên kết"},
    "leads": {"en": "leads", "vi": "khách hàng tiềm năng"},
    "conversions": {"en": "conversions", "vi": "chuyển đổi"},
}
_DECLINES: Final[Mapping[str, Mapping[str, str]]] = {
    "constant": {
        "en": "it was the same in all hires",
        "vi": "nó giống nhau ở mọi lần thuê",
    },
    "hires": {
        "en": "too few hires of accounts that were hired twice or more tell it (100 are needed)",
        "vi": "quá ít lần thuê của các tài khoản được thuê từ hai lần trở lên (cần 100)",
    },
    "campaigns": {
        "en": "it varied in too few campaigns (20 in effect are needed)",
        "vi": "nó chỉ thay đổi trong quá ít chiến dịch (cần 20 chiến dịch hữu hiệu)",
    },
    "free": {
        "en": "what is known of a hire settles it, so that nothing is left to compare",
        "vi": "những gì đã biết về lần thuê quyết định nó, nên không còn gì để so sánh",
    },
    "kinds": {
        "en": "fewer than 30 comparable hires have it, or lack it",
        "vi": "dưới 30 lần thuê so sánh được có nó, hoặc không có nó",
    },
}


def outcome_words(name: str, language: Language) -> str:
    """Words for an outcome.

    Parameters
    ----------
    name : str
        One of `matcher.ranking.outcomes.names.OUTCOME_NAMES`.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str
        Words; the name itself where there are none.
    """
    return _OUTCOMES.get(name, {}).get(language, name)


def term_words(name: str, language: Language) -> str:
    """Words for the step of a term that an effect is told of.

    Parameters
    ----------
    name : str
        One of `matcher.evaluation.effects.hires.TREATMENTS`.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str
        Words.
    """
    if name in _TERMS:
        return _TERMS[name][language]
    form = name.partition(":")[2]
    if language == "vi":
        return f"chọn định dạng {_FORMATS.get(form, form)} thay vì định dạng khác"
    return f"taking the format {form.replace('_', ' ')} rather than others"


def _change(log: float, language: Language) -> str:
    """Change of the logarithm as a change in per cent."""
    if not np.isfinite(log):
        words = {"en": "any", "vi": "bất kỳ"}
        return words[language]
    share = 100.0 * float(np.expm1(np.clip(log, -20.0, 20.0)))
    if language == "vi":
        return f"{share:+,.0f}%".replace(",", ".")
    return f"{share:+,.0f} %"


def state_grade(answer: EffectAnswer, language: Language) -> str:
    """What kind of answer it is.

    Parameters
    ----------
    answer : EffectAnswer
        Answer.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str
        A few words.
    """
    if answer.is_declined:
        return {"en": "the logs cannot say", "vi": "nhật ký không trả lời được"}[language]
    if _kind(answer) == "unsure":
        return {
            "en": "the logs support neither a rise nor a fall, adjusted for what is known",
            "vi": "nhật ký không ủng hộ cả tăng lẫn giảm, đã hiệu chỉnh theo những gì đã biết",
        }[language]
    if _kind(answer) == "fragile":
        return {
            "en": "the logs support that the two go together, not that one causes the other",
            "vi": "nhật ký chỉ ủng hộ rằng hai điều đi kèm nhau, không ủng hộ rằng điều này gây ra "
            "điều kia",
        }[language]
    return {
        "en": "the logs support, adjusted for what is known",
        "vi": "nhật ký ủng hộ, đã hiệu chỉnh theo những gì đã biết",
    }[language]


def state_decline(answer: EffectAnswer, language: Language) -> str:
    """Why there is no answer, and what would allow one.

    Parameters
    ----------
    answer : EffectAnswer
        Declined answer.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str
        Sentences.
    """
    reasons = "; ".join(_DECLINES[name][language] for name in answer.declined)
    if language == "vi":
        return (
            f"{reasons}. Để trả lời được: hãy thay đổi điều khoản này một cách ngẫu nhiên giữa các "
            "lần thuê cùng một tài khoản và ghi lại."
        )
    return (
        f"{reasons}. What would allow an answer: vary the term by chance between hires of the "
        "same accounts, and log it."
    )


def state_assumptions(answer: EffectAnswer, language: Language) -> tuple[str, ...]:
    """What has to hold for the answer to be right.

    Parameters
    ----------
    answer : EffectAnswer
        Answer.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    tuple of str
        Sentences.
    """
    group = answer.yardstick or "reach"
    told = [
        {
            "en": "hires of one account are compared with each other, so that what stays the same "
            "of an account does not matter; nothing else that changes and is not known moved both "
            "the term and the outcome",
            "vi": "chỉ so sánh các lần thuê của cùng một tài khoản, nên những gì không đổi của tài "
            "khoản không ảnh hưởng; không có yếu tố thay đổi nào chưa biết tác động đến cả điều "
            "khoản lẫn kết quả",
        },
        {
            "en": "the effect is an average over hires of accounts that were hired twice or more, "
            "weighted by how freely the term varied; a single hire may differ",
            "vi": "tác động là trung bình trên các lần thuê của những tài khoản được thuê từ hai "
            "lần trở lên, có trọng số theo mức thay đổi tự do của điều khoản; từng lần thuê có thể "
            "khác",
        },
        {
            "en": f"the bound holds while nothing hidden is stronger than {group.replace('_', ' ')}"
            ", the strongest that is known",
            "vi": "cận chỉ đúng khi không có yếu tố ẩn nào mạnh hơn "
            f"{_GROUPS.get(group, group)}, yếu tố mạnh nhất đã biết",
        },
    ]
    return tuple(one[language] for one in told)


def state_verdict(answer: EffectAnswer, language: Language) -> str:
    """The answer in one sentence.

    Parameters
    ----------
    answer : EffectAnswer
        Answer.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str
        Sentence.
    """
    term = term_words(answer.treatment, language)
    name = outcome_words(answer.outcome_name, language)
    if answer.effect is None or answer.bound is None:
        why = state_decline(answer, language)
        if language == "vi":
            return f"Nhật ký không cho biết {term} có thay đổi {name} hay không: {why}"
        return f"The logs cannot say whether {term} changes {name}: {why}"
    if answer.treatment != "n_posts":
        name = {"en": f"{name} per post", "vi": f"{name} mỗi bài"}[language]
    value, low, high = (
        _change(one, language)
        for one in (answer.effect.value, answer.effect.low, answer.effect.high)
    )
    worst, best = (_change(one, language) for one in answer.bound)
    kind = _kind(answer)
    if kind != "unsure":
        term = term[0].upper() + term[1:]
    return _SENTENCES[kind][language].format(
        term=term, name=name, value=value, low=low, high=high,
        worst=worst, best=best,
    )  # fmt: skip


def _kind(answer: EffectAnswer) -> str:
    if answer.effect is None or not answer.effect.is_sure:
        return "unsure"
    if not answer.is_claimed:
        return "fragile"
    return "raises" if answer.effect.value > 0 else "lowers"


_ENDS_EN: Final = (
    "({value}, 95 % interval {low} to {high}; {worst} to {best} if something hidden is as strong "
    "as the strongest that is known)"
)
_ENDS_VI: Final = (
    "({value}, khoảng 95%: {low} đến {high}; {worst} đến {best} nếu có yếu tố ẩn mạnh bằng yếu tố "
    "mạnh nhất đã biết)"
)
_SENTENCES: Final[Mapping[str, Mapping[str, str]]] = {
    "raises": {
        "en": f"{{term}} raises {{name}} {_ENDS_EN}.",
        "vi": f"{{term}} làm tăng {{name}} {_ENDS_VI}.",
    },
    "lowers": {
        "en": f"{{term}} lowers {{name}} {_ENDS_EN}.",
        "vi": f"{{term}} làm giảm {{name}} {_ENDS_VI}.",
    },
    "fragile": {
        "en": f"{{term}} goes with another level of {{name}}, but something hidden could explain "
        f"it, so that no effect is claimed {_ENDS_EN}.",
        "vi": f"{{term}} đi kèm mức {{name}} khác, nhưng một yếu tố ẩn có thể giải thích điều đó, "
        f"nên không khẳng định tác động {_ENDS_VI}.",
    },
    "unsure": {
        "en": f"The logs do not show that {{term}} changes {{name}} {_ENDS_EN}.",
        "vi": f"Nhật ký không cho thấy {{term}} làm thay đổi {{name}} {_ENDS_VI}.",
    },
}
