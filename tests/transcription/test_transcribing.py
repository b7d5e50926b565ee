"""Recordings of any length: short ones in batches, long ones in chunks.

Seen to fail: chunks normalised by themselves; words of later chunks without their
offset; a segment that begins with the file; a batch across a long recording; a long
file read as a whole.
"""

from dataclasses import replace

import pytest
import soundfile
import torch

from tests.finished_run import VOCABULARY, modules, noise
from xlsr_sb.data.audio import load_audio
from xlsr_sb.encoder.recordings import encode_recording
from xlsr_sb.errors import InputError
from xlsr_sb.export import Transcriber
from xlsr_sb.transcription import Recording, Transcription, sounds, transcribing


@pytest.fixture(scope="module")
def transcriber():
    """Random, and loud enough to say many words."""
    return Transcriber(**modules(20), vocabulary=VOCABULARY)


@pytest.fixture(scope="module")
def deaf():
    """Attention adds nothing: a frame hears what positions hear, and no more."""
    parts = modules(20)
    for layer in parts["encoder"].transformer.layers:
        for parameter in layer.attention.output.parameters():
            torch.nn.init.zeros_(parameter)
    return Transcriber(**parts, vocabulary=VOCABULARY)


@pytest.fixture
def long(tmp_path):
    """Recording of 12 seconds whose loudness changes."""
    path = noise(tmp_path / "long.wav", 16_000 * 12 + 321)
    samples, rate = soundfile.read(path)
    soundfile.write(path, samples * torch.linspace(0.1, 2, len(samples)).numpy(), rate)
    return Recording(str(path), "long", "long.wav")


def transcribed(transcriber, *recordings, **options):
    """Outcomes in their order."""
    found = list(Transcription(transcriber, **options).transcripts(recordings))
    assert [recording for recording, _ in found] == list(recordings)
    return [outcome for _, outcome in found]


def same(found, expected):
    """Whether text, times and, to rounding, confidences are the same."""
    assert len(expected.words) > 10
    assert (found.text, found.seconds) == (expected.text, expected.seconds)
    for ours, theirs in zip(found.words, expected.words, strict=True):
        assert replace(ours, confidence=theirs.confidence) == theirs
        assert ours.confidence == pytest.approx(theirs.confidence, abs=1e-3)
    return True


@pytest.fixture(autouse=True)
def short_pieces(monkeypatch):
    """Long recordings are cut for the decoder every second or sooner."""
    monkeypatch.setattr(transcribing, "PIECE_SECONDS", 1.0)


# Long recordings


@pytest.mark.parametrize("chunk_seconds", [1.0, 5.0])
def test_all_of_a_recording_in_chunks_as_at_once(transcriber, long, chunk_seconds):
    """With all of it in sight text and times are those of the whole, at any length."""
    [whole] = transcribed(transcriber, long)
    assert whole.seconds == 12 + 321 / 16_000
    options = {"context": "recording", "chunk_seconds": chunk_seconds}
    assert same(*transcribed(transcriber, long, **options), whole)


@pytest.mark.parametrize("chunk_seconds", [0.5, 3.3])
def test_chunks_have_no_seams(deaf, long, chunk_seconds):
    """But for what attention does not see, chunks change nothing either."""
    [whole] = transcribed(deaf, long)
    options = {"chunk_seconds": chunk_seconds, "overlap_seconds": 0.0}
    assert same(*transcribed(deaf, long, **options), whole)


def test_chunks_see_their_overlaps(transcriber, long):
    """As features of chunks do; the text is that of the best path through them."""
    options = {"context": "chunk", "chunk_seconds": 2.0, "overlap_seconds": 0.5}
    [found] = transcribed(transcriber, long, **options)
    features = encode_recording(transcriber.encoder, long.path, **options)
    with torch.no_grad():
        rows = transcriber.head(features[None])
    [best] = transcriber.read(rows, num_frames=torch.tensor([len(features)]))
    assert found.text == best.text
    [whole] = transcribed(transcriber, long)
    assert found.text != whole.text  # random weights: attention matters
    times = [(word.start, word.end) for word in best.words]
    assert [(word.start * 50, word.end * 50) for word in found.words] == [
        pytest.approx(pair) for pair in times
    ]


@pytest.mark.parametrize("kind", ["flac", "ogg", "mp3"])
def test_other_formats(deaf, tmp_path, kind):
    """Of two channels at 44.1 kHz, read piece by piece as at once."""
    samples = 0.2 * torch.randn(44_100 * 4 + 17, 2).numpy()
    path = tmp_path / f"a.{kind}"
    soundfile.write(path, samples, 44_100)
    recording = Recording(str(path), "a", "a")
    [whole] = transcribed(deaf, recording)
    [found] = transcribed(deaf, recording, chunk_seconds=1.0)
    assert found.seconds == pytest.approx(whole.seconds, abs=1e-4)
    assert same(replace(found, seconds=whole.seconds), whole)
    assert whole.seconds == pytest.approx(len(load_audio(path)) / 16_000)


def test_a_long_file_is_never_read_as_a_whole(deaf, long, monkeypatch):
    """Nor is anything else of it held."""
    with monkeypatch.context() as patch:
        patch.setattr(sounds, "load_audio", None)
        [found] = transcribed(deaf, long, chunk_seconds=11.0)
    assert same(found, *transcribed(deaf, long))


@pytest.mark.parametrize("promised", [1.0, 12.0, 100.0])
def test_headers_that_are_wrong(deaf, long, monkeypatch, promised):
    """As of MP3: a recording ends with its last frame, 25 ms more or less."""
    [whole] = transcribed(deaf, long)
    probe = transcribing.probe_audio

    def wrong(path):
        info = probe(path)
        return replace(info, num_samples=round(promised * info.sample_rate))

    monkeypatch.setattr(transcribing, "probe_audio", wrong)
    [found] = transcribed(deaf, long, chunk_seconds=2.0)
    assert found.seconds == pytest.approx(whole.seconds, abs=0.02)
    assert found.words[-1].end <= found.seconds
    assert same(replace(found, seconds=whole.seconds), whole)


# Short recordings, and all together


def test_alone_as_with_others(transcriber, long, tmp_path):
    """Short and long ones, in their order."""
    lengths = (400, 30_000, 9_001, 16_000)
    clips = [
        Recording(str(noise(tmp_path / f"{n}.wav", n, seed=n)), f"{n}", "")
        for n in lengths
    ]
    mixed = [clips[0], clips[1], long, *clips[2:]]
    options = {"chunk_seconds": 4.0, "overlap_seconds": 1.0}
    together = transcribed(transcriber, *mixed, **options)
    alone = [transcribed(transcriber, one, **options)[0] for one in mixed]
    for ours, theirs in zip(together, alone, strict=True):
        assert (ours.text, ours.seconds) == (theirs.text, theirs.seconds)
        times = [[(w.text, w.start, w.end) for w in t.words] for t in (ours, theirs)]
        assert times[0] == times[1]
    texts = transcriber.transcribe([load_audio(one.path) for one in clips])
    assert [t.text for t in together if t.name != "long"] == texts
    assert sum(len(t.words) for t in together) > 30


def test_times_of_words(transcriber, tmp_path):
    """20 ms a frame, inside of the recording, one after the other."""
    path = noise(tmp_path / "a.wav", 50_000)
    [found] = transcribed(transcriber, Recording(str(path), "a", "a"))
    log_probs, counts = transcriber.log_probs([load_audio(path)])
    [best] = transcriber.read(log_probs, num_frames=counts)
    assert len(best.words) > 5
    for word, frames in zip(found.words, best.words, strict=True):
        assert (word.start, word.end) == (frames.start / 50, frames.end / 50)
        assert (word.text, word.confidence) == (frames.text, frames.confidence)
    assert found.words[-1].end <= found.seconds == 50_000 / 16_000


def test_one_frame(transcriber, tmp_path):
    """A word of one frame at most."""
    path = noise(tmp_path / "a.wav", 400)
    [found] = transcribed(transcriber, Recording(str(path), "a", "a"))
    assert [(w.start, w.end) for w in found.words] in ([], [(0.0, 0.02)])


@pytest.mark.parametrize("chunk_seconds", [30.0, 1.0])
def test_segments(transcriber, tmp_path, chunk_seconds):
    """Of a file, long or short; their times count from their own beginning."""
    path = noise(tmp_path / "a.wav", 80_000)
    cut = soundfile.read(path)[0][20_000:70_000]
    soundfile.write(tmp_path / "cut.wav", cut, 16_000, subtype="FLOAT")
    one = Recording(str(path), "a", "a", start=20_000, stop=70_000)
    other = Recording(str(tmp_path / "cut.wav"), "a", "a")
    found = transcribed(transcriber, one, other, chunk_seconds=chunk_seconds)
    assert same(*found)


def test_errors_do_not_stop_the_others(transcriber, long, tmp_path):
    """Whatever is wrong, wherever it is found."""
    good = Recording(str(noise(tmp_path / "good.wav", 9_000)), "good", "")
    cut = tmp_path / "cut.flac"
    soundfile.write(cut, soundfile.read(long.path)[0] / 9, 16_000)
    cut.write_bytes(cut.read_bytes()[:-30_000])
    missing, damaged = (
        Recording(str(path), path.name, "") for path in (tmp_path / "no.wav", cut)
    )
    short = Recording(str(noise(tmp_path / "short.wav", 399)), "short", "")
    outside = replace(good, stop=9_001)
    recordings = [missing, good, damaged, short, long, outside]
    options = {"chunk_seconds": 2.0}
    found = dict(Transcription(transcriber, **options).transcripts(recordings))
    problems = {one.name: str(e) for one, e in found.items() if type(e) is InputError}
    assert problems.keys() == {"no.wav", "cut.flac", "short", "good"}
    assert "399 samples at 16000 Hz; at least 400" in problems["short"]
    assert "cut.flac" in problems["cut.flac"]
    assert len(found) == 6
    [expected] = transcribed(transcriber, good)
    assert found[good] == expected


@pytest.mark.parametrize(
    "options", [{"chunk_seconds": 0.0}, {"overlap_seconds": -1.0}, {"context": "all"}]
)
def test_options_that_cannot_be(transcriber, options):
    """They are refused before anything is read."""
    with pytest.raises(InputError, match=f"{next(iter(options))} must"):
        Transcription(transcriber, **options)


# Texts that are known


@pytest.mark.parametrize("chunk_seconds", [30.0, 1.0])
def test_known_texts(transcriber, long, chunk_seconds):
    """What was recognised is found where it was recognised; its own spelling stays."""
    options = {"context": "recording", "chunk_seconds": chunk_seconds}
    [heard] = transcribed(transcriber, long, **options)
    words = [
        word.text.capitalize() + "," for word in heard.words if "⁇" not in word.text
    ]
    given = replace(long, text="  ".join(words))
    [found] = transcribed(transcriber, given, **options)
    assert [word.text for word in found.words] == words
    assert found.text == " ".join(words)
    heard_at = {(word.start, word.end) for word in heard.words}
    found_at = {(word.start, word.end) for word in found.words}
    assert len(found_at & heard_at) > 0.5 * len(found_at)
    assert found.seconds == heard.seconds


def test_known_texts_that_do_not_fit(transcriber, tmp_path):
    """The recording is named; an empty text has no words."""
    path = str(noise(tmp_path / "a.wav", 1_000))
    texts = ["été c'est fini", "", "é"]
    recordings = [
        Recording(path, f"{i}", f"{i}.wav", text=t) for i, t in enumerate(texts)
    ]
    error, empty, found = transcribed(transcriber, *recordings)
    assert str(error).startswith(
        "0.wav: the text needs 14 frames and the recording has"
    )
    assert (empty.text, empty.words) == ("", ())
    assert len(found.words) == 1


def test_known_texts_that_are_too_long(transcriber, long, monkeypatch):
    """It is known before anything is computed."""
    monkeypatch.setattr("xlsr_sb.transcription.alignment.MAX_CELLS", 1_000)
    given = replace(long, text="été")
    with monkeypatch.context() as patch:
        patch.setattr(transcribing, "pieces", None)
        patch.setattr(Transcriber, "stream_log_probs", lambda *_, **__: iter(()))
        [error] = transcribed(transcriber, given, chunk_seconds=2.0)
    assert str(error).startswith("long.wav: the text has 3 letters and the recording 6")
