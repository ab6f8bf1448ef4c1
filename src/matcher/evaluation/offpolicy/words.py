"""Off-policy answers in plain English and Vietnamese."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from matcher.evaluation.offpolicy.support import (
    LARGEST_OUTSIDE,
    LARGEST_SHARE,
    LEAST_CAMPAIGNS,
    LEAST_ESS,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matcher.evaluation.offpolicy.answer import PolicyValue
    from matcher.evaluation.offpolicy.support import Support

__all__ = [
    "LOGGING_ADVICE",
    "Language",
    "format_amount",
    "policy_words",
    "state_assumptions",
    "state_grade",
    "state_refusal",
    "state_verdict",
]

Language = Literal["en", "vi"]

LOGGING_ADVICE: Final[Mapping[str, str]] = {
    "en": (
        "What would let the logs answer: draw lists with a little chance and log every eligible "
        "account with its chance, as `matcher recommend --explore 0.2` does, for 50 campaigns or "
        "more"
    ),
    "vi": (
        "Để nhật ký trả lời được: hãy bốc danh sách có chút ngẫu nhiên và ghi lại mọi tài khoản "
        "đủ điều kiện cùng xác suất của nó, như `matcher recommend --explore 0.2`, trong ít nhất "
        "50 chiến dịch"
    ),
}
"""What to log so that policies can be compared later."""

_GRADES: Final[Mapping[str, Mapping[str, str]]] = {
    "supported": {"en": "the logs support", "vi": "nhật ký ủng hộ"},
    "weak": {"en": "the logs support, weakly", "vi": "nhật ký ủng hộ, nhưng yếu"},
    "estimated": {
        "en": "the logs support, with estimated chances of choice",
        "vi": "nhật ký ủng hộ, với xác suất lựa chọn được ước lượng",
    },
    "refused": {"en": "the logs cannot say", "vi": "nhật ký không trả lời được"},
}


_POLICIES: Final[Mapping[str, Mapping[str, str]]] = {
    "hire": {
        "en": "this model, ranking by whom a brand would hire,",
        "vi": "mô hình này, xếp hạng theo khả năng được thuê,",
    },
    "deliver": {
        "en": "this model, ranking by what a hire delivers,",
        "vi": "mô hình này, xếp hạng theo hiệu quả khi được thuê,",
    },
    "outcome": {
        "en": "this model, ranking by expected outcome,",
        "vi": "mô hình này, xếp hạng theo kết quả dự kiến,",
    },
}
"""Policies that are a model, by the order it ranks by."""


def policy_words(policy: str, language: Language) -> str:
    """Words for a policy.

    Parameters
    ----------
    policy : str
        Its name; ``model (ORDER)`` of a model.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str
        Words of a model, the name itself of any other.

    Examples
    --------
    >>> policy_words("model (outcome)", "vi"), policy_words("last year", "vi")
    ('mô hình này, xếp hạng theo kết quả dự kiến,', 'last year')
    """
    order = policy.removeprefix("model (").removesuffix(")")
    is_model = policy == f"model ({order})" and order in _POLICIES
    return _POLICIES[order][language] if is_model else policy


def format_amount(value: float, language: Language) -> str:
    """Number of three significant digits, as readers of a language write it.

    Parameters
    ----------
    value : float
        Number.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str
        Text, such as ``12,300`` or ``12.300``.
    """
    size = abs(value)
    if size >= 999.5:
        digits = len(f"{size:.0f}") - 3
        text = f"{round(value, -digits):,.0f}"
    else:
        text = f"{value:.3g}"
    if language == "vi":
        return text.replace(",", " ").replace(".", ",").replace(" ", ".")
    return text


def _percent(share: float, language: Language, *, signed: bool = False) -> str:
    text = f"{100 * share:{'+' if signed else ''}.1f}".removesuffix(".0")
    return f"{text.replace('.', ',')}%" if language == "vi" else f"{text} %"


def state_grade(support: Support, language: Language) -> str:
    """What kind of answer a log gives.

    Parameters
    ----------
    support : Support
        What carries it.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str
        A few words.
    """
    if support.failures:
        return _GRADES["refused"][language]
    if support.is_estimated:
        return _GRADES["estimated"][language]
    return _GRADES["weak" if support.is_weak else "supported"][language]


def state_refusal(answer: PolicyValue, language: Language) -> str:
    """Why a log cannot answer, and what logging would let it.

    Parameters
    ----------
    answer : PolicyValue
        Refused answer.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str
        Sentences.
    """
    reasons = [_REASONS[name](answer.support, language) for name in answer.support.failures]
    return f"{'; '.join(reasons)}. {LOGGING_ADVICE[language]}."


def _outside(support: Support, language: Language) -> str:
    share = _percent(support.outside, language)
    limit = _percent(LARGEST_OUTSIDE, language)
    if support.is_deterministic:
        return {
            "en": f"the log was written without chance, and {share} of the policy's choices are "
            f"accounts that it never would have chosen (at most {limit} may be)",
            "vi": f"nhật ký được ghi mà không có ngẫu nhiên, và {share} lựa chọn của chính sách là "
            f"các tài khoản không bao giờ được chọn (tối đa {limit})",
        }[language]
    return {
        "en": f"{share} of the policy's choices are accounts that the log could not have chosen "
        f"(at most {limit} may be)",
        "vi": f"{share} lựa chọn của chính sách là các tài khoản mà nhật ký không thể chọn (tối đa "
        f"{limit})",
    }[language]


def _campaigns(support: Support, language: Language) -> str:
    n, limit = format_amount(support.effective_campaigns, language), f"{LEAST_CAMPAIGNS:.0f}"
    return {
        "en": f"the answer would rest on {n} campaigns in effect, of {support.n_campaigns}; "
        f"{limit} are needed",
        "vi": f"câu trả lời thực chất chỉ dựa trên {n} chiến dịch, trong {support.n_campaigns}; "
        f"cần {limit}",
    }[language]


def _share(support: Support, language: Language) -> str:
    share = _percent(support.largest_share, language)
    limit = _percent(LARGEST_SHARE, language)
    return {
        "en": f"one choice would carry {share} of the answer (at most {limit} may be)",
        "vi": f"một lựa chọn sẽ gánh {share} câu trả lời (tối đa {limit})",
    }[language]


def _chances(support: Support, language: Language) -> str:
    ratio = format_amount(support.weight_sum, language)
    return {
        "en": f"the log's chances do not fit its choices: weights sum to {ratio} times what they "
        "should",
        "vi": f"xác suất trong nhật ký không khớp với các lựa chọn: tổng trọng số bằng {ratio} lần "
        "giá trị đúng",
    }[language]


_REASONS: Final = {
    "outside": _outside,
    "campaigns": _campaigns,
    "share": _share,
    "chances": _chances,
}


def state_assumptions(answer: PolicyValue, language: Language) -> tuple[str, ...]:
    """What has to hold for an answer to be right.

    Parameters
    ----------
    answer : PolicyValue
        Answer.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    tuple of str
        Sentences.
    """
    support = answer.support
    told = [
        {
            "en": "outcomes add up: what an account brings does not depend on who else is chosen "
            "(audiences that overlap are counted twice)",
            "vi": "kết quả cộng dồn được: kết quả của một tài khoản không phụ thuộc vào ai khác "
            "được chọn (khán giả trùng nhau bị đếm hai lần)",
        },
        {
            "en": "choices that declined or were not measured would have brought what is known of "
            "like accounts lets expect",
            "vi": "những lựa chọn từ chối hoặc không được đo sẽ mang lại kết quả như các tài khoản "
            "tương tự",
        },
        {
            "en": "earlier campaigns would have gone as they did: who is hired today does not "
            "change what is known, or who is free, tomorrow",
            "vi": "các chiến dịch trước vẫn diễn ra như cũ: việc thuê ai hôm nay không đổi điều "
            "được biết, hay ai còn rảnh, ngày mai",
        },
    ]
    if support.is_estimated:
        told.append(
            {
                "en": "nothing beyond what is known of accounts moved both who was chosen and what "
                "it brought; the bounds say what follows if something did",
                "vi": "không có yếu tố nào ngoài những gì đã biết về tài khoản tác động đồng thời "
                "đến việc được chọn và kết quả; các cận cho biết điều gì xảy ra nếu có",
            }
        )
    else:
        told.append(
            {
                "en": "the chances in the log are those that were drawn with",
                "vi": "xác suất trong nhật ký đúng là xác suất đã dùng để bốc",
            }
        )
    if support.outside > 0:
        share = {"en": _percent(support.outside, "en"), "vi": _percent(support.outside, "vi")}
        told.append(
            {
                "en": f"{share['en']} of the choices, which the log could not have made, bring "
                "what a model expects of them or what the others bring",
                "vi": f"{share['vi']} lựa chọn mà nhật ký không thể đưa ra mang lại kết quả như mô "
                "hình dự đoán hoặc như các lựa chọn khác",
            }
        )
    return tuple(one[language] for one in told)


def state_verdict(answer: PolicyValue, language: Language) -> str:
    """An answer in one sentence.

    Parameters
    ----------
    answer : PolicyValue
        Answer.
    language : {"en", "vi"}
        Language.

    Returns
    -------
    str
        Sentence.
    """
    difference, policy = answer.told_difference, policy_words(answer.policy, language)
    if answer.value is None or answer.logged is None or difference is None:
        return {
            "en": f"The logs cannot say what {policy} would have brought: {answer.refusal('en')}",
            "vi": f"Nhật ký không cho biết {policy} sẽ mang lại bao nhiêu: {answer.refusal('vi')}",
        }[language]
    value, logged = answer.value, answer.logged
    change = difference.over(abs(logged.value)) if logged.value else difference
    name = _OUTCOMES.get(answer.outcome_name, {}).get(language, answer.outcome_name)
    low, high = (_percent(one, language, signed=True) for one in (change.low, change.high))
    amount = format_amount(value.value, language)
    base = format_amount(logged.value, language)
    moved = _percent(change.value, language, signed=True)
    is_sure = difference.is_sure
    n = answer.support.n_campaigns
    weak = ""
    if answer.support.is_weak:
        limit = _percent(LEAST_ESS, language)
        weak = {
            "en": f"; few choices carry this (effective share below {limit})",
            "vi": f"; ít lựa chọn làm cơ sở (tỷ lệ hữu hiệu dưới {limit})",
        }[language]
    ends = _ENDS["bounds" if answer.support.is_estimated else "interval"][language]
    if language == "vi":
        sure = "khác biệt là chắc chắn" if is_sure else "có thể không có khác biệt"
        return (
            f"Nếu {policy} chọn người cho {n} chiến dịch này, {name} sẽ là {amount} thay vì "
            f"{base} ({moved}, {ends}: {low} đến {high}); {sure}{weak} ({answer.grade('vi')})."
        )
    sure = "the difference is sure" if is_sure else "there may be no difference"
    return (
        f"Had {policy} staffed these {n} campaigns, they would have brought {amount} {name} "
        f"rather than {base} ({moved}, {ends} {low} to {high}); {sure}{weak} "
        f"({answer.grade('en')})."
    )


_ENDS: Final[Mapping[str, Mapping[str, str]]] = {
    "interval": {"en": "95 % interval", "vi": "khoảng 95%"},
    "bounds": {
        "en": "with chances off by up to 1.5 in their odds",
        "vi": "nếu tỷ lệ cược của xác suất sai tới 1,5 lần",
    },
}
_OUTCOMES: Final[Mapping[str, Mapping[str, str]]] = {
    "engagements": {"en": "engagements", "vi": "lượt tương tác"},
    "views": {"en": "views", "vi": "lượt xem"},
    "reach": {"en": "accounts reached", "vi": "lượt tiếp cận"},
    "impressions": {"en": "impressions", "vi": "lượt hiển thị"},
    "link_clicks": {"en": "link clicks", "vi": "lượt nhấp liên kết"},
    "leads": {"en": "leads", "vi": "khách hàng tiềm năng"},
    "conversions": {"en": "conversions", "vi": "chuyển đổi"},
    "trust_proxy": {"en": "in sums of trust rates", "vi": "tổng tỷ lệ tin cậy"},
}
