"""Sentences of many scripts, and texts on which tokenisers could differ."""

SENTENCES = (
    "The quick brown fox jumps over the lazy dog. Where is the station, please?",
    "Où est la gare ? Je suis ici, et l'été vient déjà. Voilà une garçonnière !",
    "Wo liegt der größte Bahnhof? Süße Äpfel und Öfen kosten 123,45 €.",
    "Gdzie jest dworzec? Zażółć gęślą jaźń.",
    "Где вокзал? Я здесь, а ты там; сегодня хорошая погода.",
    "Πού είναι ο σταθμός; Είμαι εδώ.",
    "你好，世界！火车站在哪里？我在这里，你在那里。今天天气很好。",
    "駅はどこですか？私はここにいます。今日はいい天気ですね。カタカナも、ひらがなも。",
    "أين المحطة؟ أنا هنا وأنت هناك. الطقس جميل اليوم.",
    "ایستگاه کجاست؟ من اینجا هستم.",
    "நிலையம் எங்கே? நான் இங்கே இருக்கிறேன்.",
    "Өртөө хаана байна вэ? Би энд байна.",
)
TRAINING = [*SENTENCES, *(word for text in SENTENCES for word in text.split())]

AWKWARD = (
    *("", " ", "   ", "...!!!", "1,234.56", "x" * 300),
    *("  double  spaces   inside", "tab\there\nand a line", "no\u00a0break"),
    *("emoji 😀🎉 here", "👩‍👩‍👧", "e\u0301 is é", "unknown ქართული 漢字 here"),
    *(
        "Ｆｕｌｌ　ｗｉｄｔｈ，ｏｎｅ",
        "ﬁ ½ ① ﷺ ǅ",
        "zero\u200bwidth",
        "soft\u00adhyphen",
    ),
    *("日本 語", "\u2047 \ufffd x", "العربيّة مُشَكَّلة", "ΣΊΣΥΦΟΣ", "\x00 null"),
)
