"""Recordings to translations, in batches and in pieces.

Seen to fail: recordings that come before all of them was translated; spaces between
sentences of Chinese.
"""

import pytest
import torch

from tests.finished_run import noise
from tests.finished_translation import finished_translation
from xlsr_sb.data.audio import load_audio
from xlsr_sb.errors import InputError
from xlsr_sb.export import Translator, load_translator
from xlsr_sb.transcription import (
    Recording,
    SubtitleRules,
    TimedText,
    Translated,
    Translating,
    batches,
    written,
)

LENGTHS = {"a": 9_000, "b": 70_000, "c": 400, "d": 16_000, "e": 50_000}


@pytest.fixture(scope="module")
def translator(tmp_path_factory):
    """Of a run."""
    return load_translator(finished_translation(tmp_path_factory.mktemp("runs") / "a"))


@pytest.fixture
def recordings(tmp_path):
    """Files of noise, two of them longer than a piece, and a segment of one."""
    found = []
    for name, count in LENGTHS.items():
        path = str(noise(tmp_path / f"{name}.wav", count, seed=count))
        found.append(Recording(path, name, path))
    return [*found, Recording(found[1].path, "f", "f", 1_000, 61_000)]


def test_result_does_not_depend_on_batches(translator, recordings, monkeypatch):
    """Order, texts and times; batches are bounded."""
    sizes, of_class = [], Translator.translate

    def counted(self, waveforms, *, to):
        sizes.append(sum(map(len, waveforms)) / 16_000)
        return of_class(self, waveforms, to=to)

    monkeypatch.setattr(Translator, "translate", counted)
    way = Translating(translator, "en", piece_seconds=2.0)
    found = []
    for seconds in (60.0, 4.0, 0.1):
        monkeypatch.setattr(batches, "SECONDS_PER_BATCH", seconds)
        sizes.clear()
        found.append(list(way.transcripts(recordings)))
        assert max(sizes) <= max(seconds, 2.0)
    assert found[0] == found[1] == found[2]
    assert [one for one, _ in found[0]] == recordings
    seconds = [one.seconds for _, one in found[0]]
    assert seconds == [*(n / 16_000 for n in LENGTHS.values()), 60_000 / 16_000]
    assert [len(one.pieces) for _, one in found[0]][:1] == [1]
    assert len(found[0][1][1].pieces) >= 3


def test_pieces_are_translated_as_files_of_their_own(translator, recordings):
    """A piece knows nothing of the others; short recordings are whole."""
    way = Translating(translator, "en", piece_seconds=2.0)
    for recording, found in way.transcripts(recordings):
        waveform = load_audio(
            recording.path, start=recording.start, stop=recording.stop
        )
        for piece in found.pieces:
            part = waveform[round(piece.start * 16_000) : round(piece.end * 16_000)]
            assert translator.translate([part], to="en") == [piece.text]
        assert found.pieces[0].start == 0.0


def test_errors_come_at_once_and_take_only_their_own(translator, tmp_path):
    """What waits in the batch is translated all the same."""
    good = [
        Recording(str(noise(tmp_path / f"{n}.wav", n)), str(n), "") for n in (500, 600)
    ]
    short = Recording(str(noise(tmp_path / "s.wav", 399)), "s", "")
    none = Recording(str(tmp_path / "none.wav"), "n", "")
    way = Translating(translator, "en")
    found = list(way.transcripts([good[0], short, none, good[1]]))
    assert [one for one, _ in found] == [short, none, *good]
    assert "399 samples at 16000 Hz; at least 400" in str(found[0][1])
    assert isinstance(found[1][1], InputError)
    assert [one.seconds for _, one in found[2:]] == [500 / 16_000, 600 / 16_000]
    assert list(way.transcripts([])) == []


def test_languages_without_spaces():
    """Sentences of pieces stand side by side."""
    pieces = TimedText("你好。", 0.0, 2.0), TimedText("", 2.0, 3.0)
    pieces += (TimedText("再见。", 3.0, 6.0),)
    for language, text in (("zh-CN", "你好。再见。"), ("en", "你好。 再见。")):
        found = Translated.of(pieces, name="a", audio="a", language=language)
        assert (found.text, found.seconds) == (text, 6.0)


def test_subtitles_share_the_time_of_a_piece():
    """By their letters; silent pieces have none, and no subtitle is too long."""
    text = " ".join(f"word{n:02}" for n in range(60))
    pieces = TimedText("", 0.0, 5.0), TimedText(text, 5.0, 35.0)
    found = Translated.of(pieces, name="a", audio="a.wav", language="en")
    words = found.words
    assert [one.text for one in words] == text.split()
    torch.testing.assert_close(
        torch.tensor([one.start for one in words]), 5.0 + 0.5 * torch.arange(60)
    )
    assert words[-1].end == pytest.approx(35.0)
    rules = SubtitleRules()
    shown = list(rules.subtitles(found))
    assert " ".join(" ".join(one.lines) for one in shown) == text
    assert len(shown) > 4
    assert shown[0].start == 5.0
    for one in shown:
        assert one.end - one.start <= rules.subtitle_seconds
        assert all(len(line) <= rules.line_characters for line in one.lines)
    assert written(found, "srt", rules).count(" --> ") == len(shown)
