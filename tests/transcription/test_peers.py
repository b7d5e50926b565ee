"""A CTC model of transformers: texts and times of words, as its processor gives them.

Seen to fail: the blank taken to be 0; times that begin a frame later; a chunk's words
without its offset; another row for the space.
"""

import json
from types import SimpleNamespace

import pytest
import soundfile
import torch
import transformers

from tests.checkpoints.peers import hf_inputs, hf_model, utterances
from xlsr_sb.cli import main

TOKENS = ["a", "|", "<unk>", "sch", "b", "é", "n", "[PAD]", "o"]
SECONDS = (50_000, 30_123, 9_999, 400, 64_321)


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    """Model and processor of transformers, and the folder that they wrote."""
    folder = tmp_path_factory.mktemp("ctc")
    (folder / "vocab.json").write_text(json.dumps({t: i for i, t in enumerate(TOKENS)}))
    tokenizer = transformers.Wav2Vec2CTCTokenizer(
        str(folder / "vocab.json"), pad_token="[PAD]", bos_token=None, eos_token=None
    )
    extractor = transformers.Wav2Vec2FeatureExtractor(return_attention_mask=True)
    processor = transformers.Wav2Vec2Processor(extractor, tokenizer)
    processor.save_pretrained(folder)
    model = hf_model("Wav2Vec2ForCTC", vocab_size=len(TOKENS))
    for parameter in model.lm_head.parameters():
        torch.nn.init.normal_(parameter, std=3.0)
    model.save_pretrained(folder)
    return SimpleNamespace(folder=folder, model=model, processor=processor)


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Paths and waveforms."""
    folder = tmp_path_factory.mktemp("clips")
    waveforms = utterances(SECONDS)
    for number, waveform in enumerate(waveforms):
        path = folder / f"{number}.wav"
        soundfile.write(path, waveform.numpy(), 16_000, subtype="FLOAT")
    return folder, waveforms


def read_by(theirs, waveforms):
    """Text, and words with their seconds, as transformers' documents say."""
    with torch.no_grad():
        logits = theirs.model(**hf_inputs(waveforms)).logits
    counts = theirs.model._get_feat_extract_output_lengths(
        torch.tensor([len(waveform) for waveform in waveforms])
    )
    frame = theirs.model.config.inputs_to_logits_ratio / 16_000
    for rows, count in zip(logits, counts.tolist(), strict=True):
        found = theirs.processor.batch_decode(
            rows[None, :count].argmax(dim=-1), output_word_offsets=True
        )
        words = [
            (
                word["word"],
                pytest.approx(word["start_offset"] * frame),
                pytest.approx(word["end_offset"] * frame),
            )
            for word in found.word_offsets[0]
        ]
        yield found.text[0], words


def read_by_us(theirs, places, folder, *options):
    """The same, by the command line; by name of the recording."""
    places = [str(place) for place in places]
    argv = [*places, "--output", str(folder), "--format", "json", *options]
    main(["transcribe", str(theirs.folder), *argv])
    known = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    return [
        (one["text"], [(w["text"], w["start"], w["end"]) for w in one["words"]])
        for one in known
    ]


@pytest.mark.parametrize("size", [1, 5])
def test_texts_and_times(theirs, clips, tmp_path, size):
    """Token for token, in batches here and alone or in a batch there."""
    folder, waveforms = clips
    expected = [
        one
        for first in range(0, len(waveforms), size)
        for one in read_by(theirs, waveforms[first : first + size])
    ]
    assert sum(len(words) for _, words in expected) > 15
    assert len({letter for text, _ in expected for letter in text}) >= 7
    assert read_by_us(theirs, [folder], tmp_path / "out") == expected


def test_a_long_recording(theirs, clips, tmp_path, monkeypatch):
    """In chunks of half a second and decoded in pieces, as there at once."""
    monkeypatch.setattr("xlsr_sb.transcription.transcribing.PIECE_SECONDS", 0.5)
    folder, waveforms = clips
    options = ["--context", "recording", "--chunk-seconds", "0.5"]
    found = read_by_us(theirs, [folder / "4.wav"], tmp_path / "out", *options)
    [(text, words)] = read_by(theirs, waveforms[4:])
    assert len(words) > 5
    assert found[0][0] == text
    # A word that goes on behind a cut is two of ours: cuts are where letters change.
    starts, ends = ({word[place] for word in found[0][1]} for place in (1, 2))
    for _, start, end in words:
        assert any(start == one for one in starts)
        assert any(end == one for one in ends)
    assert "".join(w for w, *_ in found[0][1]) == "".join(w for w, *_ in words)


def test_printed(theirs, clips, capsys):
    """A line a file, with what transformers says."""
    folder, waveforms = clips
    main(["transcribe", str(theirs.folder), str(folder)])
    lines = capsys.readouterr().out.splitlines()
    texts = [text for text, _ in read_by(theirs, waveforms)]
    assert lines == [f"{folder}/{i}.wav\t{text}" for i, text in enumerate(texts)]
