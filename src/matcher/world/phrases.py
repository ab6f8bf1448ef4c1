"""Phrases that captions, bios and briefs are put together from, in both languages."""

from __future__ import annotations

from typing import Final

__all__ = [
    "ASKS",
    "BIOS",
    "BRAND_LINES",
    "BRIEFS",
    "CAPTIONS",
    "EMOJI",
    "FILLERS",
    "GENERIC_TAGS",
    "TEENCODE",
    "TONE_WORDS",
]

CAPTIONS: Final[dict[str, tuple[tuple[tuple[str, str, str], ...], ...]]] = {
    "vi": (
        (
            ("Cười xỉu với ", " hôm nay, ai ngờ ", " lại thành ra thế này"),
            ("Không ai:... Mình: ôm ", " rồi quên luôn ", " ở nhà"),
            ("Thử thách 24 giờ chỉ có ", " và ", ", kết quả không ai ngờ"),
            ("Đố mọi người biết ", " với ", " cái nào làm mình mất ngủ"),
            ("Hội mê ", " điểm danh, tag đứa bạn nghiện ", " vào đây"),
            ("Hài hước thật sự, đang quay ", " thì ", " rơi cái bịch"),
        ),
        (
            ("Phân tích chi tiết ", ": những điểm cần biết về ", " trước khi chọn"),
            ("3 lỗi thường gặp khi tìm hiểu ", " và cách xử lý với ", ""),
            ("So sánh thật kỹ ", " và ", ", số liệu mình để trong ảnh"),
            ("Hướng dẫn từng bước: ", " cho người mới, kèm mẹo ", ""),
            ("Hỏi đáp về ", ": vì sao ", " lại quan trọng đến vậy"),
            ("Sau 30 ngày theo dõi ", ", đây là kết luận của mình về ", ""),
        ),
        (
            ("Một chiều chậm rãi với ", ", ", " và chút nắng"),
            ("Tinh tế trong từng chi tiết: ", " cùng ", ""),
            ("Góc nhỏ của mình, nơi ", " gặp ", " thật dịu dàng"),
            ("Có những ngày chỉ cần ", " và ", " là đủ đẹp"),
            ("Bộ sưu tập mới: ", ", điểm nhấn là ", ""),
            ("Sang mà không phô trương, ", " đi cùng ", ""),
        ),
        (
            ("Review thật lòng ", ": được cái ", ", còn giá thì mọi người tự cân nhắc"),
            ("Nhà mình dùng ", " cả tháng rồi, hợp nhất là ", ""),
            ("Kể mọi người nghe chuyện ", " của nhà mình, có cả ", " nữa"),
            ("Cuối tuần cả nhà cùng ", ", xong lại ", " với nhau"),
            ("Mẹ hỏi ", " mua ở đâu, mình chỉ luôn chỗ có ", ""),
            ("Không được trả tiền để nói đâu: ", " và ", " ổn thật"),
        ),
    ),
    "en": (
        (
            ("POV: you said just ", " and now there is ", " everywhere"),
            ("Nobody: ... Me: hugging my ", " and forgetting the ", ""),
            ("24 hours with only ", " and ", ", did not see that coming"),
            ("Guess which one kept me up, ", " or ", "?"),
            ("Tag the friend who is obsessed with ", " and ", ""),
            ("Tried to film ", " and then the ", " happened"),
        ),
        (
            ("A closer look at ", ": what to know about ", " before you choose"),
            ("3 common mistakes with ", " and how to fix them with ", ""),
            ("I compared ", " and ", ", numbers are in the slides"),
            ("Step by step: ", " for beginners, plus a tip on ", ""),
            ("You asked about ", ", here is why ", " matters"),
            ("After 30 days of ", ", my verdict on ", ""),
        ),
        (
            ("A slow afternoon with ", ", ", " and a little sun"),
            ("It is all in the details: ", " with ", ""),
            ("My corner of the world where ", " meets ", ""),
            ("Some days all you need is ", " and ", ""),
            ("The new edit: ", ", finished with ", ""),
            ("Quiet luxury, ", " paired with ", ""),
        ),
        (
            ("Honest review of ", ": loved the ", ", price is up to you"),
            ("We have used ", " at home for a month, best part is ", ""),
            ("Story time about ", " in our house, with some ", " too"),
            ("Weekend with the family: ", ", then ", " together"),
            ("Mum asked where I got the ", ", same place as the ", ""),
            ("Not paid to say this: ", " and ", " are really good"),
        ),
    ),
}
"""Language to tone (playful, expert, premium, honest) to caption parts around two words."""

FILLERS: Final = {
    "vi": (
        "Chúc mọi người ngày mới vui vẻ",
        "Hôm nay trời đẹp quá",
        "Đi làm thôi nào",
        "Tết này mọi người về quê chưa",
        "Cảm ơn mọi người đã theo dõi mình",
        "Hỏi gì đáp nấy, để lại câu hỏi nhé",
        "Sinh nhật vui vẻ nha mình ơi",
        "Một ngày bình thường của mình",
        "Săn sale 11.11 chưa mọi người",
        "Ai còn thức không",
    ),
    "en": (
        "Good morning everyone",
        "The weather is too good today",
        "Back to work",
        "Happy holidays from us",
        "Thank you for being here",
        "Ask me anything below",
        "Birthday dump",
        "Just a normal day in my life",
        "Who else is up this late",
        "Weekend mode on",
    ),
}

BIOS: Final = {
    "vi": (
        ("Chia sẻ về ", " và ", ". Liên hệ công việc qua tin nhắn"),
        ("Mình kể chuyện ", ", đôi khi là ", ""),
        ("", " | ", " | booking: inbox"),
        ("Nghiện ", ", thích ", ", sống tích cực"),
    ),
    "en": (
        ("Sharing ", " and ", ". DM for work"),
        ("All about ", ", sometimes ", ""),
        ("", " | ", " | collabs via inbox"),
        ("Obsessed with ", ", in love with ", ""),
    ),
}

BRAND_LINES: Final = {
    "vi": (". Cảm ơn {brand} đã đồng hành", ". Mình dùng của {brand} nha", ", cùng {brand}"),
    "en": (". Thanks to {brand} for having me", ". Mine is from {brand}", ", with {brand}"),
}

TEENCODE: Final = (
    ("không", "ko"), ("được", "dc"), ("mọi người", "mn"), ("rồi", "r"), ("với", "vs"),
    ("mình", "mik"), ("Mình", "Mik"), ("vậy", "z"), ("nhé", "nha"), ("Không", "Ko"),
    ("người", "ng"), ("biết", "bít"),
)  # fmt: skip
"""Plain to clipped spelling; word by word."""

EMOJI: Final = ("", "", "", "", " 😂", " ✨", " ❤️", " 🔥🔥", " 🥰", " 👇", " 🙏", " 😋")

GENERIC_TAGS: Final = {
    "vi": ("", " #xuhuong", " #fyp", " #trending", " #viral", " #vietnam"),
    "en": ("", " #fyp", " #viral", " #foryou", " #reels", " #explore"),
}

TONE_WORDS: Final = {
    "vi": (
        "vui nhộn, bắt trend",
        "chuyên sâu, có dẫn chứng",
        "tinh tế, cao cấp",
        "chân thật, gần gũi như người nhà",
    ),
    "en": (
        "playful and quick to join a trend",
        "in depth, with evidence",
        "refined and premium",
        "honest and close, like family",
    ),
}

ASKS: Final = {
    "vi": (
        "Mục tiêu là nhiều người biết đến sản phẩm, ưu tiên độ phủ.",
        "Mục tiêu là tương tác: bình luận, lượt thích và chia sẻ thật.",
        "Mục tiêu là kéo lượt bấm vào trang sản phẩm.",
        "Mục tiêu là lượt đăng ký dùng thử.",
        "Mục tiêu là đơn hàng, có mã giảm giá riêng cho từng bạn.",
        "Mục tiêu là niềm tin: hỏi đáp kỹ và phản hồi bình luận.",
    ),
    "en": (
        "The goal is awareness, so breadth of reach comes first.",
        "The goal is engagement: real comments, likes and shares.",
        "The goal is traffic to the product page.",
        "The goal is sign-ups for a trial.",
        "The goal is sales, with a personal discount code for each creator.",
        "The goal is trust: thorough answers and replies to comments.",
    ),
}

BRIEFS: Final = {
    "vi": (
        "{brand} ra mắt {product} cho {who}. Chúng tôi tìm {n} nhà sáng tạo hay chia sẻ về {a}, "
        "{b} và {c}. Giọng {tone}. {ask} Ngân sách khoảng {budget}.",
        "Với chiến dịch này {brand} muốn {who} thử {product}. Nội dung nên xoay quanh {a} và {b}, "
        "có thể lồng {c}. Cách kể {tone}. {ask} Cần {n} bạn, tổng chi {budget}.",
        "Cần {n} creator đã quen với {a}, {b}. Sản phẩm là {product} của {brand}, khách hàng là "
        "{who}. Phong cách {tone}. {ask} Chi phí dự kiến {budget}. Tránh nói quá về {c}.",
    ),
    "en": (
        "{brand} launches {product} for {who}. We look for {n} creators who talk about {a}, {b} "
        "and {c}. Tone: {tone}. {ask} Budget around {budget}.",
        "With this campaign {brand} wants {who} to try {product}. Stories should turn around {a} "
        "and {b}, perhaps with {c}. Keep it {tone}. {ask} {n} creators, {budget} in all.",
        "Needed: {n} creators at home with {a} and {b}. The product is {product} by {brand}, the "
        "customers are {who}. Style: {tone}. {ask} Planned spend {budget}. Do not oversell {c}.",
    ),
}
