"""Strategies for texts and pairs of texts."""

from hypothesis import strategies as st

any_text = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from("ab é\u0301ß語🙂"),
    max_size=12,
)
# As normalised transcripts are: words with one space between them.
transcript = st.lists(st.text("aé\u0301ж語", min_size=1, max_size=3), max_size=6).map(
    " ".join
)
# What files for sclite have to take: its own characters too, and white space.
awkward = st.lists(
    st.text(r"aAéж{}/@;*\<>()%-_#&'" + '"\t\n\v\u00a0', min_size=1, max_size=4),
    max_size=8,
).map(" ".join)


def pairs_of(texts, min_size=1, max_size=6):
    """Return a strategy for lists of (reference, hypothesis)."""
    return st.lists(st.tuples(texts, texts), min_size=min_size, max_size=max_size)
