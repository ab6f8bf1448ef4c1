"""Texts of the sentences about plans, in English and Vietnamese."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["GENDER_NAMES", "LIMIT_NAMES", "LIMIT_PARTS", "MORE_NAMES", "REASONS", "TEXTS"]

MORE_NAMES: Final[Mapping[str, Mapping[str, str]]] = {
    "reach": {"en": "people reached", "vi": "người tiếp cận được"},
    "trust": {"en": "comments, shares and saves", "vi": "bình luận, chia sẻ và lưu"},
    "reach_2": {"en": "people reached at least twice", "vi": "người gặp ít nhất hai lần"},
    "reach_3": {"en": "people reached at least three times", "vi": "người gặp ít nhất ba lần"},
    "reach_sum": {
        "en": "reach added up, people counted every time",
        "vi": "tổng tiếp cận, tính cả người trùng",
    },
    "counted": {"en": "worth of the plan as counted", "vi": "giá trị phương án theo cách tính"},
    "reach_sainsbury": {
        "en": "people reached by Sainsbury's formula",
        "vi": "người tiếp cận theo công thức Sainsbury",
    },
}
"""Names of totals that no list has."""

TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    "head": {
        "en": "Hire {n} for {cost} of {budget}: {expected} {outcome} expected, {low} to {high} in "
        "8 of 10 cases.",
        "vi": "Thuê {n} với {cost} trong ngân sách {budget}: dự kiến {expected} {outcome}, 8 trong "
        "10 trường hợp đạt từ {low} đến {high}.",
    },
    "head_plain": {
        "en": "Hire {n} for {cost} of {budget}: worth {expected} in {outcome}.",
        "vi": "Thuê {n} với {cost} trong ngân sách {budget}: đạt {expected} tính theo {outcome}.",
    },
    "platform_reach": {
        "en": "Assumed, not learnt: from now on everything that a platform brings is multiplied: "
        "{factors}.",
        "vi": "Giả định, không phải học được: từ nay mọi kết quả trên nền tảng được nhân: "
        "{factors}.",
    },
    "of_hires_alone": {
        "en": "What is expected is learnt from hires as buyers chose them: too few hires have a "
        "logged chance of choice, so nothing tells how much less others with the same figures "
        "bring.",
        "vi": "Mức kỳ vọng được học từ những người mà nhãn hàng đã chọn: quá ít người được thuê có "
        "ghi xác suất được chọn, nên không biết những người khác có cùng chỉ số mang lại ít hơn "
        "bao nhiêu.",
    },
    "outside": {
        "en": "Of the {all} hires of this plan {n} have figures beyond any learnt from, so what is "
        "expected of them is less sure and its range wider: {names}.",
        "vi": "Trong {all} tài khoản của phương án có {n} tài khoản có chỉ số nằm ngoài dữ liệu đã "
        "học, nên mức kỳ vọng của họ kém chắc chắn hơn và khoảng dự đoán rộng hơn: {names}.",
    },
    "outside_one": {
        "en": "One of the {all} hires of this plan has figures beyond any learnt from, so what is "
        "expected of it is less sure and its range wider: {names}.",
        "vi": "Trong {all} tài khoản của phương án có một tài khoản có chỉ số nằm ngoài dữ liệu đã "
        "học, nên mức kỳ vọng kém chắc chắn hơn và khoảng dự đoán rộng hơn: {names}.",
    },
    "stands_in": {
        "en": "The objective `{objective}` counts {outcome}, since the model does not predict "
        "{wanted}.",
        "vi": "Mục tiêu `{objective}` được tính theo {outcome}, vì mô hình không dự đoán {wanted}.",
    },
    "format_unknown": {
        "en": "Accounts of which no format is known, and which are taken to sell those asked for: "
        "{n}.",
        "vi": "Số tài khoản chưa rõ định dạng nào, được coi là bán các định dạng yêu cầu: {n}.",
    },
    "nobody": {
        "en": "The best plan within these limits hires nobody.",
        "vi": "Phương án tốt nhất trong các giới hạn này là không thuê ai.",
    },
    "left": {"en": "{left} of the budget are left.", "vi": "Còn lại {left} ngân sách."},
    "estimates": {
        "en": "{n} of the fees are estimates, set aside at a level that {share} of such fees do "
        "not exceed; the cost may lie between {low} and {high}.",
        "vi": "{n} mức giá là ước tính, được để dành ở mức mà {share} các giá như vậy không vượt "
        "quá; chi phí có thể từ {low} đến {high}.",
    },
    "estimates_one": {
        "en": "One of the fees is an estimate, set aside at a level that {share} of such fees do "
        "not exceed; the cost may lie between {low} and {high}.",
        "vi": "Một mức giá là ước tính, được để dành ở mức mà {share} các giá như vậy không vượt "
        "quá; chi phí có thể từ {low} đến {high}.",
    },
    "optimal": {
        "en": "No plan within these limits is worth more by these figures; that is proven.",
        "vi": "Theo các con số này, đã chứng minh không có phương án nào tốt hơn trong cùng giới "
        "hạn.",
    },
    "gap": {
        "en": "No plan within these limits can be worth more than {bound} by these figures; this "
        "one is worth {worth}, so at most {gap} is missing.",
        "vi": "Theo các con số này, không phương án nào trong cùng giới hạn vượt được {bound}; "
        "phương án này đạt {worth}, nên nhiều nhất còn thiếu {gap}.",
    },
    "greedy": {
        "en": "Taking accounts by outcome per price instead would be worth {greedy}, {less} less.",
        "vi": "Nếu chỉ chọn lần lượt theo kết quả trên giá thì đạt {greedy}, kém {less}.",
    },
    "greedy_same": {
        "en": "Taking accounts by outcome per price would be worth as much here.",
        "vi": "Ở đây chọn lần lượt theo kết quả trên giá cũng đạt như vậy.",
    },
    "greedy_none": {
        "en": "Taking accounts by outcome per price finds no plan within these limits.",
        "vi": "Chọn lần lượt theo kết quả trên giá không tìm được phương án trong các giới "
        "hạn này.",
    },
    "quantile": {
        "en": "Counted at {share}, that is by what each account exceeds in {share} of cases and "
        "not by its mean, the plan is worth {worth} {outcome}; this is what it was chosen by.",
        "vi": "Tính ở mức {share}, tức theo mức mà mỗi tài khoản vượt trong {share} trường hợp chứ "
        "không theo trung bình, phương án đạt {worth} {outcome}; phương án được chọn theo mức này.",
    },
    "mixed": {"en": "points ({parts})", "vi": "điểm ({parts})"},
    "stays": {
        "en": "must_have: {n} account(s) stay against the rule `{rule}` ({reason}): {names}",
        "vi": "must_have: vẫn giữ {n} tài khoản trái với quy tắc `{rule}` ({reason}): {names}",
    },
    "level": {"en": " (at {share})", "vi": " (ở mức {share})"},
    "more_budget": {
        "en": "With {step} more, solved again, the plan would bring {change} more; no plan could "
        "bring more than {most} more.",
        "vi": "Giải lại với thêm {step} thì phương án đạt thêm {change}; không phương án nào đạt "
        "thêm quá {most}.",
    },
    "reached": {
        "en": "{once} people are reached at least once, {twice} at least twice, {thrice} at least "
        "three times; Sainsbury's formula would say {sainsbury}.",
        "vi": "{once} người gặp ít nhất một lần, {twice} ít nhất hai lần, {thrice} ít nhất ba lần; "
        "công thức Sainsbury cho {sainsbury}.",
    },
    "panel": {
        "en": "Overlap of audiences is counted in the panel given, whose people stand for "
        "{population}.",
        "vi": "Phần khán giả trùng nhau được đếm trong panel đã cho, đại diện cho {population} "
        "người.",
    },
    "sample": {
        "en": "The panel has no weights, so its {n} people are taken to be a sample of all "
        "{population} people on social media in {home}: each stands for {each}. Where that is "
        "wrong, give the panel a `weight`, or the constraints `reach: people`.",
        "vi": "Panel không có trọng số nên {n} người trong đó được coi là mẫu của toàn bộ "
        "{population} người dùng mạng xã hội ở {home}: mỗi người đại diện cho {each} người. Nếu "
        "không đúng, hãy thêm `weight` vào panel, hoặc `reach: people` vào ràng buộc.",
    },
    "audiences": {
        "en": "Overlap of audiences is estimated from the audience tables of {known} of {all} "
        "candidates; the others are taken to be like them.",
        "vi": "Phần khán giả trùng nhau được ước tính từ bảng khán giả của {known} trên {all} ứng "
        "viên; các ứng viên khác được coi là giống họ.",
    },
    "independence": {
        "en": "No audience table is known, so chances are taken as independent (Sainsbury); people "
        "reached are overstated where audiences overlap.",
        "vi": "Không có bảng khán giả nên coi các xác suất là độc lập (Sainsbury); số người tiếp "
        "cận bị tính quá cao khi khán giả trùng nhau.",
    },
    "most": {
        "en": "{n} packages would reach more than 95 % of the people that their platform is taken "
        "to have, and count as reaching that.",
        "vi": "{n} gói sẽ tiếp cận hơn 95 % số người được coi là có trên nền tảng, và được tính là "
        "đạt mức đó.",
    },
    "cut": {
        "en": "{n} packages would reach more than 95 % of those whom their people in the panel "
        "stand for; the rest count as people whom nobody else reaches, so that overlap is "
        "understated.",
        "vi": "{n} gói sẽ tiếp cận hơn 95 % số người mà khán giả của mình trong panel đại diện; "
        "phần còn lại được tính là những người không ai khác tiếp cận, nên phần trùng nhau bị tính "
        "thiếu.",
    },
    "not_in_panel": {
        "en": "{n} candidates are not in the panel and were not considered.",
        "vi": "{n} ứng viên không có trong panel nên không được xét.",
    },
    "dearer": {
        "en": "Larger budgets could buy {packages} more, each dearer than this budget.",
        "vi": "Các ngân sách lớn hơn mua được thêm {packages}, mỗi gói đắt hơn ngân sách này.",
    },
    "dearer_accounts": {
        "en": "Larger budgets could buy {packages} more, each dearer than this budget, and so "
        "{accounts} that it leaves out.",
        "vi": "Các ngân sách lớn hơn mua được thêm {packages}, mỗi gói đắt hơn ngân sách này, nhờ "
        "đó có thêm {accounts} mà ngân sách này loại ra.",
    },
    "haste": {
        "en": "Time ran out before {n} of the {all} other budgets were looked at; they show the "
        "best plan known that they can pay, if any. More --seconds help.",
        "vi": "Hết thời gian trước khi xét {n} trong {all} mức ngân sách khác; các mức đó lấy "
        "phương án tốt nhất đã biết mà chúng trả được, nếu có. Hãy tăng --seconds.",
    },
    "no_fee": {
        "en": "{n} candidates were left out, since no fee of theirs is known or can be estimated.",
        "vi": "Bỏ qua {n} ứng viên vì không biết hoặc không ước tính được giá.",
    },
    "too_dear": {
        "en": "{n} candidates were left out, since each of their packages costs more than the "
        "budget.",
        "vi": "Bỏ qua {n} ứng viên vì mọi gói của họ đều vượt ngân sách.",
    },
    "no_fee_one": {
        "en": "One candidate was left out, since no fee of theirs is known or can be estimated.",
        "vi": "Bỏ qua một ứng viên vì không biết hoặc không ước tính được giá.",
    },
    "too_dear_one": {
        "en": "One candidate was left out, since each of their packages costs more than the "
        "budget.",
        "vi": "Bỏ qua một ứng viên vì mọi gói của họ đều vượt ngân sách.",
    },
    "conflict": {
        "en": "no plan keeps to all limits. These cannot hold together: {parts}.",
        "vi": "không phương án nào giữ được mọi giới hạn. Những giới hạn này mâu thuẫn: {parts}.",
    },
    "conflict_one": {
        "en": "no plan keeps to all limits. This cannot be kept: {parts}.",
        "vi": "không phương án nào giữ được mọi giới hạn. Không thể giữ: {parts}.",
    },
    "give_one": {"en": " A way out: {ways}.", "vi": " Cách gỡ: {ways}."},
    "perhaps": {
        "en": " (time ran out, so the list may hold more than it must)",
        "vi": " (hết thời gian nên danh sách có thể thừa)",
    },
    "part": {"en": "{name} {side} {bound}", "vi": "{name} {side} {bound}"},
    "at least": {"en": "at least", "vi": "ít nhất"},
    "at most": {"en": "at most", "vi": "nhiều nhất"},
    "give": {
        "en": " Any one of these is enough: {ways}.",
        "vi": " Chỉ cần một trong các cách: {ways}.",
    },
    "way": {
        "en": "{name} {side} {bound} ({sign}{give})",
        "vi": "{name} {side} {bound} ({sign}{give})",
    },
    "whole_part": {"en": "{name}", "vi": "{name}"},
    "whole_way": {"en": "without “{name}”", "vi": "bỏ “{name}”"},
    "joint": {
        "en": " Together they would hold with: {ways}.",
        "vi": " Cùng nhau sẽ giữ được với: {ways}.",
    },
    "hasty": {
        "en": " These amounts are the best found before time ran out; less may be enough.",
        "vi": " Đây là các mức tốt nhất tìm được trước khi hết thời gian; nới ít hơn có thể cũng "
        "đủ.",
    },
    "only": {
        "en": " For “{name}” only {n} can be hired at all.",
        "vi": " Với “{name}” chỉ có {n} có thể thuê.",
    },
    "reached_at_most": {
        "en": " Within the other limits “{name}” can reach {share} at most.",
        "vi": " Trong các giới hạn còn lại, “{name}” đạt nhiều nhất {share}.",
    },
    "nobody_counts": {
        "en": " Nobody who can be hired counts for “{name}”.",
        "vi": " Không ai có thể thuê được tính vào “{name}”.",
    },
    "lost": {
        "en": " Of the {all} accounts of the earlier plan {n} cannot be hired: {names}.",
        "vi": " Trong {all} tài khoản của phương án trước có {n} không thuê được: {names}.",
    },
    "and_more": {"en": "and {n} more", "vi": "và {n} tài khoản nữa"},
    "accounts": {"en": "{n} accounts", "vi": "{n} tài khoản"},
    "list": {"en": "(list {n})", "vi": "(danh sách {n})"},
    "account": {"en": "1 account", "vi": "1 tài khoản"},
    "posts": {"en": "{n} posts", "vi": "{n} bài"},
    "packages": {"en": "{n} packages", "vi": "{n} gói"},
    "package": {"en": "1 package", "vi": "1 gói"},
    "share": {"en": "{n} %", "vi": "{n} %"},
    "points": {"en": "{n} percentage points", "vi": "{n} điểm phần trăm"},
}
"""Sentences and parts of them."""

LIMIT_NAMES: Final[Mapping[str, Mapping[str, str]]] = {
    "budget": {"en": "budget", "vi": "ngân sách"},
    "number": {"en": "number of accounts", "vi": "số tài khoản"},
    "kept of the earlier plan": {
        "en": "kept of the earlier plan",
        "vi": "giữ lại từ phương án trước",
    },
    "new against the earlier plan": {
        "en": "new against the earlier plan",
        "vi": "mới so với phương án trước",
    },
}
"""Names of limits that there is one of."""

LIMIT_PARTS: Final[Mapping[str, Mapping[str, str]]] = {
    "least share of spend on ": {
        "en": "share of spend on ",
        "vi": "tỷ trọng chi cho ",
    },
    "greatest share of spend on ": {
        "en": "share of spend on ",
        "vi": "tỷ trọng chi cho ",
    },
    "spend on ": {"en": "spend on ", "vi": "chi cho "},
    "must have ": {"en": "must have ", "vi": "bắt buộc có "},
    "at most one of ": {"en": "at most one of ", "vi": "nhiều nhất một trong "},
    "tier ": {"en": "tier ", "vi": "hạng quy mô "},
    "platform ": {"en": "platform ", "vi": "nền tảng "},
    "category ": {"en": "category ", "vi": "lĩnh vực "},
    "language ": {"en": "language ", "vi": "ngôn ngữ "},
    "country ": {"en": "country ", "vi": "quốc gia "},
    "city ": {"en": "city ", "vi": "thành phố "},
    "gender ": {"en": "gender ", "vi": "giới tính "},
}
"""Words with which names of limits begin, one after the other."""

REASONS: Final[Mapping[str, Mapping[str, str]]] = {
    "platform": {"en": "another platform", "vi": "khác nền tảng"},
    "country": {"en": "another country", "vi": "khác quốc gia"},
    "language": {"en": "another language", "vi": "khác ngôn ngữ"},
    "format": {"en": "has not shown the format", "vi": "chưa từng đăng định dạng này"},
    "price": {"en": "price above the budget", "vi": "giá vượt ngân sách"},
    "availability": {"en": "not available then", "vi": "không rảnh trong thời gian đó"},
    "exclusivity": {"en": "bound to another brand", "vi": "vướng độc quyền với nhãn khác"},
    "blocklist": {"en": "`never`", "vi": "thuộc `never`"},
    "rival": {"en": "worked for a rival lately", "vi": "vừa làm cho nhãn đối thủ"},
    "posts": {"en": "too few posts", "vi": "quá ít bài"},
    "market": {"en": "not in the market", "vi": "không có trong dữ liệu"},
    "candidates": {"en": "not among the candidates", "vi": "không nằm trong các ứng viên"},
    "panel": {"en": "nobody in the panel sees it", "vi": "không ai trong panel xem"},
    "fee": {
        "en": "no package with a known fee within the budget",
        "vi": "không có gói nào biết giá mà trong ngân sách",
    },
}
"""Hard rules and other reasons for which an account cannot be hired."""

GENDER_NAMES: Final[Mapping[str, Mapping[str, str]]] = {
    "female": {"en": "female", "vi": "nữ"},
    "male": {"en": "male", "vi": "nam"},
    "other": {"en": "other", "vi": "khác"},
}
"""Names of declared genders."""
