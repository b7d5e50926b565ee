"""Language models as they are published: what is read, what is refused and why."""

import base64
import gzip
import io
import tarfile
import zlib

import pytest

from xlsr_sb.data.text import Vocabulary
from xlsr_sb.decoders.estimation import NGrams
from xlsr_sb.decoders.flashlight import load_kenlm
from xlsr_sb.decoders.language_model import check_language_model
from xlsr_sb.decoders.lexicon_beam import LexiconWords
from xlsr_sb.errors import InputError

VOCABULARY = Vocabulary.of(["ab"])
SENTENCES = [["a", "ab"], ["ba"], ["ab", "ba", "a"], ["bab", "a", "ab"], ["a"]]
# What KenLM's build_binary makes of their trigrams: type trie.
TRIE = """
c-qU&O)OBz$yLZGDJihh*U!#KO-##7%}LQq&d=3P&QD2INXswEO)OC;OD!tS%+FIW<zhg9274f}pAks>
2Lg}?BUFYNOdhajf{KAKJ5-JvN^>Ha#0I4c>J;}{wv{pnW@lf%BreYW<6`i?O|AQqxN^RKtSx?!eZPve
`=7Sx!MC$txxaqA;}T4NN=xj1kb{tnWSFfmYag;aGJn6c1(?r_rk@o}o&(Bn{-+D(Bl{lNFX&+9<Vinr
n=*bmt#tZZ3(}ZyeY5R-wT@-^M-Hriww-g)OKqzIN#8+Ax>f*{fb2F|6;Lk^WGtAfb>%)Nuqq5cto{j7
@`!K44X`N^ToyCHrZ7S6nE<oU+W7Rxqi4Bxi#P9zpZ|GkLQUZx({EqT=p0{eyjdpx+?k@9li^Jt8Ij#+
Q<|4;$6!-z$B@X7n8aYC4`d}J0#OnJ00lUfg#
"""


@pytest.fixture
def arpa(tmp_path):
    """Trigrams of some sentences."""
    NGrams.estimate(SENTENCES, order=3).save(tmp_path / "lm.arpa")
    return tmp_path / "lm.arpa"


@pytest.fixture
def trie(tmp_path):
    """The same in KenLM's own format."""
    path = tmp_path / "lm.bin"
    path.write_bytes(zlib.decompress(base64.b85decode(TRIE.replace("\n", ""))))
    return path


def scores(path):
    """What KenLM says of a sentence's words and its end."""
    lm = load_kenlm(str(path), ["ab", "ba", "never heard"])
    state, found = lm.start(False), []
    for index in (0, 1, 2, 0):
        state, score = lm.score(state, index)
        found.append(score)
    return [*found, lm.finish(state)[1]]


def test_three_formats_are_one_model(arpa, trie, tmp_path, capfd):
    """And reading them prints nothing, though KenLM would draw a bar."""
    packed = tmp_path / "lm.arpa.gz"
    packed.write_bytes(gzip.compress(arpa.read_bytes()))
    expected = scores(arpa)
    assert scores(packed) == pytest.approx(expected, abs=1e-6)
    assert scores(trie) == pytest.approx(expected, abs=1e-6)
    for path in (arpa, packed, trie):
        assert sorted(check_language_model(path).words()) == ["a", "ab", "ba", "bab"]
    assert check_language_model(packed).counts == (7, 11, 9)
    assert capfd.readouterr() == ("", "")


def test_lexicon_of_each_format(arpa, trie):
    """Words and their scores come out of the file alone."""
    for path in (arpa, trie):
        words = LexiconWords.load(VOCABULARY, lm=str(path), lexicon=None)
        assert sorted(words.shown.values()) == ["a", "ab", "ba", "bab"]


def test_comments_before_the_beginning(arpa):
    """As lmplz --verbose_header writes."""
    arpa.write_text("# Smoothing: Modified Kneser-Ney\n\n" + arpa.read_text())
    assert check_language_model(arpa).counts == (7, 11, 9)
    assert len(scores(arpa)) == 5


def cut(text):
    """The first half."""
    return text[: len(text) // 2]


def of_order_seven(text):
    """With a head of seven orders."""
    more = "".join(f"ngram {n}=1\n" for n in range(4, 8))
    return text.replace("ngram 3=9\n", f"ngram 3=9\n{more}")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda _: "", "it is empty"),
        (cut, "it is cut"),
        (lambda text: text.replace("\\end\\", ""), "it is cut"),
        (of_order_seven, "is of order 7; orders up to 6"),
        (lambda _: "oui non\n" * 9, "does not start with"),
        (lambda _: "\n" * 200, "does not start with"),
        (lambda text: text.replace("ngram 2=11", "ngram 2=x"), "'ngram 2=x' stands"),
        (lambda text: text.replace("ngram 2=11\n", ""), "'ngram 3=9' stands"),
        (lambda text: text.replace("ngram ", "n"), "names no n-grams"),
    ],
)
def test_files_whose_head_or_end_is_wrong(arpa, change, message):
    """The name of the file, and what is the matter."""
    arpa.write_text(change(arpa.read_text()))
    with pytest.raises(InputError, match=message) as error:
        check_language_model(arpa)
    assert str(error.value).startswith(str(arpa))


def archived(data):
    """In a gzipped archive, as language models are often published."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        member = tarfile.TarInfo("5-gram_lm.arpa")
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return packed.getvalue()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (archived, "it is an archive; unpack it"),
        (lambda data: gzip.compress(data)[:60], "damaged or cut"),
        (lambda data: b"BZh9" + data, "packed with bzip2"),
        (lambda data: b"\xfd7zXZ\0" + data, "packed with xz"),
        (lambda data: data.replace(b"\tab", b"\t\xe9b"), "not UTF-8"),
        (lambda data: data.replace(b"\tab", b"\ta b"), "stands where a word should"),
        (lambda data: data.replace(b"ngram 1=7", b"ngram 1=70"), "stands where a word"),
    ],
)
def test_files_whose_words_cannot_be_read(arpa, change, message):
    arpa.write_bytes(change(arpa.read_bytes()))
    with pytest.raises(InputError, match=message):
        list(check_language_model(arpa).words())


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("ngram 3=9", "ngram 3=90"),
        lambda text: text.replace("<s> a\t", "<s> zz\t"),
        lambda text: text.replace("\\3-grams:", "\\5-grams:"),
        lambda text: gzip.compress(text.encode())[:-40],
    ],
)
def test_files_that_kenlm_refuses(arpa, change):
    """In its words, on one line, without the place in its source."""
    changed = change(arpa.read_text())
    arpa.write_bytes(changed if isinstance(changed, bytes) else changed.encode())
    assert check_language_model(arpa).counts[:2] == (7, 11)
    with pytest.raises(InputError, match="is no language model that can be") as error:
        LexiconWords.load(VOCABULARY, lm=str(arpa), lexicon=None)
    assert "\n" not in str(error.value)
    assert ".cc" not in str(error.value)


def test_binary_file_that_is_cut(trie):
    """KenLM knows."""
    trie.write_bytes(trie.read_bytes()[:300])
    with pytest.raises(InputError, match="is no language model that can be used"):
        load_kenlm(str(trie), ["a"])


def test_binary_file_without_words(trie):
    """As build_binary -v makes: a lexicon must be given."""
    trie.write_bytes(trie.read_bytes().replace(b"<unk>\0", b"......"))
    with pytest.raises(InputError, match="built without its words; give a lexicon"):
        list(check_language_model(trie).words())


def test_no_such_file(tmp_path):
    for path in (tmp_path / "none.arpa", tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            check_language_model(path)
