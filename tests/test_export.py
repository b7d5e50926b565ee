"""Exported recognisers: SpeechBrain, transformers and ours load one and the same.

Seen to fail: newest checkpoint instead of the best; log-probabilities without the
frames behind an utterance (one frame lost or too many); a tokenizer that leaves spaces
at the ends.
"""

import json
import re

import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st
from speechbrain.dataio.encoder import CTCTextEncoder
from speechbrain.inference.ASR import EncoderASR

from tests.finished_run import (
    VOCABULARY,
    finished_run,
    modules,
    noise,
    result,
)
from xlsr_sb import XLSR
from xlsr_sb.cli import main
from xlsr_sb.data.text import Vocabulary
from xlsr_sb.errors import InputError
from xlsr_sb.export import (
    Characters,
    Recogniser,
    Transcriber,
    export_recogniser,
    load_transcriber,
)
from xlsr_sb.export.folder import RESULTS
from xlsr_sb.export.texts import model_card
from xlsr_sb.lengths import num_frames
from xlsr_sb.run import training

# Rounded fractions of the longest give up to a frame too many, and one too few.
LENGTHS = [16_079, 400, 12_345, 9_999, 3_279, 3_280, 15_440, 14_480, 719]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Folder of a finished run."""
    return finished_run(tmp_path_factory.mktemp("runs") / "toy")


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory):
    """Folder that was exported from it."""
    return export_recogniser(run, tmp_path_factory.mktemp("exports") / "toy")


@pytest.fixture(scope="module")
def waveforms():
    """Speech-like lengths of noise."""
    generator = torch.Generator().manual_seed(5)
    return [torch.randn(n, generator=generator) for n in LENGTHS]


def padded(waveforms):
    """Batch with noise in the padding, and SpeechBrain's relative lengths."""
    longest = max(map(len, waveforms))
    batch = torch.randn(len(waveforms), longest)
    for row, waveform in zip(batch, waveforms, strict=True):
        row[: len(waveform)] = waveform
    return batch, torch.tensor([len(w) / longest for w in waveforms])


# SpeechBrain's interface


def test_stock_interface_writes_our_texts(run, exported, waveforms, tmp_path):
    """In one batch, alone, and in pairs; where it counts frames wrongly as well."""
    ours = load_transcriber(run).transcribe(waveforms)
    assert len(set(ours)) > 4
    stock = EncoderASR.from_hparams(source=str(exported), savedir=str(tmp_path / "a"))
    batch, wav_lens = padded(waveforms)
    assert stock.transcribe_batch(batch, wav_lens)[0] == ours
    for i, waveform in enumerate(waveforms):
        assert stock.transcribe_batch(waveform[None], torch.ones(1))[0] == [ours[i]]
        pair = padded([waveform, waveforms[i - 1]])
        assert stock.transcribe_batch(*pair)[0] == [ours[i], ours[i - 1]]
    most = num_frames(max(LENGTHS))
    rounded = [round(float(fraction) * most) for fraction in wav_lens]
    wrong = [a - num_frames(b) for a, b in zip(rounded, LENGTHS, strict=True)]
    assert {-1, 1} <= set(wrong), "the lengths are chosen so that rounding is wrong"


def test_stock_interface_reads_files(exported, tmp_path):
    """And puts nothing beside them if it is given no folder for that."""
    stock = EncoderASR.from_hparams(source=str(exported))
    path = noise(tmp_path / "a.wav", 20_000)
    transcriber = load_transcriber(exported)
    waveform = stock.load_audio(str(path))
    assert stock.transcribe_file(str(path)) == transcriber.transcribe([waveform])[0]
    assert sorted(p.name for p in exported.iterdir()) == [
        *["README.md", "encoder", "encoder.ckpt", "head.ckpt", "hyperparams.yaml"],
        *["tokenizer.ckpt", "vocabulary.txt"],
    ]


def test_stock_interface_is_frozen_and_draws_nothing(exported, waveforms):
    """The run's layerdrop and dropout are of its training."""
    stock = EncoderASR.from_hparams(source=str(exported))
    assert not any(parameter.requires_grad for parameter in stock.parameters())
    first, second = (stock.encode_batch(*padded(waveforms[:1])) for _ in range(2))
    assert torch.equal(first, second)


@given(lengths=st.lists(st.integers(400, 12_000), min_size=2, max_size=6))
@settings(max_examples=15, deadline=None)
def test_no_frame_is_lost_by_rounding(lengths):
    """Where relative lengths are multiplied by the number of frames and rounded."""
    recogniser = Recogniser(**modules(20)).eval()
    lengths = [*lengths, 9_680, 16_079]  # the former would lose its last frame
    batch, wav_lens = padded([torch.randn(n) for n in lengths])
    with torch.no_grad():
        num_rounded = torch.round(wav_lens * recogniser(batch, wav_lens).shape[1])
    for rounded, n in zip(num_rounded.tolist(), lengths, strict=True):
        assert rounded >= num_frames(n)


def test_frames_behind_an_utterance_are_surely_blank():
    """Probabilities everywhere, and enough frames for any rounding."""
    recogniser = Recogniser(**modules(20)).eval()
    log_probs = recogniser(torch.randn(2, 16_000), torch.tensor([0.5, 1.0]))
    assert log_probs.shape == (2, 50, len(VOCABULARY))
    assert torch.isfinite(log_probs).all()
    torch.testing.assert_close(log_probs.exp().sum(-1), torch.ones(2, 50))
    assert log_probs[0, 24:, 0].eq(0).all()
    assert log_probs[0, :24, 0].ne(0).all()
    assert log_probs[1, 49, 0] == 0


# Weights


def test_best_checkpoint_is_taken(run, exported):
    """Not the newest."""
    assert load_transcriber(exported).encoder.training is False
    wanted = modules(20)
    for source in (run, exported):
        found = load_transcriber(source)
        for name in ("encoder", "head"):
            weights = getattr(found, name).state_dict()
            for key, tensor in wanted[name].state_dict().items():
                assert torch.equal(weights[key], tensor), key


def test_encoder_is_a_source_of_another_training(exported, waveforms):
    """Of ours, and of transformers."""
    source = exported / "encoder"
    encoder = XLSR.build(preset="300m", source=str(source), layerdrop=0.0).eval()
    wanted = modules(20)["encoder"].state_dict()
    assert all(torch.equal(encoder.state_dict()[k], v) for k, v in wanted.items())
    peer = transformers.Wav2Vec2Model.from_pretrained(source).eval()
    waveform = torch.nn.functional.layer_norm(waveforms[0], waveforms[0].shape)[None]
    with torch.no_grad():
        ours, theirs = encoder(waveform), peer(waveform).last_hidden_state
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


def test_alone_and_in_a_batch_texts_are_the_same(exported, waveforms):
    """Ours too, in any order."""
    transcriber = load_transcriber(exported)
    together = transcriber.transcribe(waveforms)
    assert [transcriber.transcribe([w])[0] for w in waveforms] == together
    assert transcriber.transcribe(waveforms[::-1]) == together[::-1]
    assert transcriber.transcribe([]) == []


# Tokens


PHONES = Vocabulary.of(["tʃ a ɔ̃ w"], units="tokens")


@pytest.mark.parametrize("vocabulary", [VOCABULARY, PHONES], ids=lambda one: one.units)
@given(data=st.data())
@settings(deadline=None)
def test_labels_write_what_the_vocabulary_writes(vocabulary, data):
    """Without spaces at the ends; unknown ones are shown alike; symbols are apart."""
    ids = data.draw(st.lists(st.integers(1, len(vocabulary) - 1)))
    text = "".join(Characters.of(vocabulary).decode_ndim(ids))
    assert text == vocabulary.decode(ids).strip()


def test_labels_are_read_by_the_stock_tokenizer(exported):
    """Under the same ids."""
    tokenizer = CTCTextEncoder()
    tokenizer.load(exported / "tokenizer.ckpt")
    tokenizer.expect_len(len(VOCABULARY))
    assert tokenizer.get_blank_index() == VOCABULARY.blank
    text = "c'est fini"
    assert tokenizer.encode_sequence(text) == VOCABULARY.encode(text)
    assert tokenizer.encode_label("ß") == VOCABULARY.unk


def test_labels_of_another_recogniser_are_refused(exported):
    """Instead of texts that make no sense."""
    characters = Characters(len(VOCABULARY) + 1)
    characters.load(exported / "tokenizer.ckpt")
    with pytest.raises(RuntimeError, match="categories found"):
        characters.decode_ndim([1])
    one = Characters.of(VOCABULARY)
    assert one.decode_ndim(torch.tensor(4)) == VOCABULARY.tokens[4]


# Model card


def test_model_card_has_the_results(exported):
    """And what the header of a card may say."""
    card = (exported / "README.md").read_text(encoding="utf-8")
    assert "| fr | 1 | 25.0 |" in card
    assert "update 20," in card
    assert "language: ['fr', 'no']\n" in card


def test_code_of_the_model_card_runs(exported, tmp_path, monkeypatch, capsys):
    """As it stands there, in the folder above."""
    (tmp_path / "toy").symlink_to(exported)
    noise(tmp_path / "speech.wav", 16_000)
    monkeypatch.chdir(tmp_path)
    card = (exported / "README.md").read_text(encoding="utf-8")
    exec(re.search("```python\n(.*?)```", card, re.DOTALL).group(1), {})
    main(["transcribe", "toy", "speech.wav"])
    theirs, ours = capsys.readouterr().out.splitlines()
    assert ours == f"speech.wav\t{theirs}"
    assert "xlsr-sb transcribe toy speech.wav" in card


def test_model_card_of_a_run_without_results(run):
    """It was stopped before it was scored, or its languages have no codes."""
    transcriber = load_transcriber(run)
    card = model_card("toy", transcriber, [], meta={"update": 3})
    assert "not scored" in card
    assert "language:" not in card
    rows = [result(group="unknown"), result(group="all")]
    assert "language:" not in model_card("toy", transcriber, rows, meta={"update": 3})


def test_results_file_is_the_one_that_runs_write():
    """Both name it, as neither stage may import the other."""
    assert training.RESULTS == RESULTS


# What cannot be exported


def test_existing_target_is_refused(run, tmp_path):
    """Even an empty folder; it stays as it is."""
    with pytest.raises(InputError, match="exists already"):
        export_recogniser(run, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["encoder.json", "vocabulary.txt", "save"])
def test_incomplete_run_is_refused(tmp_path, name):
    """The message names what is missing."""
    run = finished_run(tmp_path / "run")
    (run / name).rename(run / "elsewhere")
    with pytest.raises(InputError, match=f"no {name}"):
        export_recogniser(run, tmp_path / "toy")
    assert not (tmp_path / "toy").exists()


def test_run_that_was_never_validated_is_refused(tmp_path):
    """Its checkpoints have no score."""
    run = finished_run(tmp_path / "run")
    for meta in run.glob("save/*/CKPT.yaml"):
        meta.write_text(meta.read_text().replace("CER", "WER"))
    with pytest.raises(InputError, match="no checkpoint in .*'CER'"):
        export_recogniser(run, tmp_path / "toy")


@pytest.mark.parametrize("text", ["", "[1]", '{"width": 3}'])
def test_damaged_sizes_are_refused(tmp_path, text):
    """Empty, no object, a size that there is not."""
    run = finished_run(tmp_path / "run")
    (run / "encoder.json").write_text(text)
    with pytest.raises(InputError, match="encoder.json cannot be used"):
        export_recogniser(run, tmp_path / "toy")


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), None])
def test_failed_export_leaves_nothing(run, tmp_path, monkeypatch, error):
    """Neither half a folder nor a hidden one; PyTorch hides the disk's error."""

    def full(*_):
        try:
            raise OSError(28, "No space left on device")
        except OSError:
            if error:
                raise
            raise RuntimeError("unexpected pos 64 vs 0")  # noqa: B904 as PyTorch does

    monkeypatch.setattr(XLSR, "save_pretrained", full)
    with pytest.raises(InputError, match="toy cannot be written: .*No space left"):
        export_recogniser(run, tmp_path / "toy")
    assert list(tmp_path.iterdir()) == []


def test_target_in_new_folders(run, tmp_path):
    """They are made."""
    folder = export_recogniser(run, tmp_path / "a" / "b")
    assert load_transcriber(folder).vocabulary == VOCABULARY


# What cannot be loaded


def test_other_folders_are_refused(tmp_path):
    """With what would be accepted."""
    with pytest.raises(InputError, match=r"neither .* save/.* nor .*head\.ckpt"):
        load_transcriber(tmp_path)


class Harmful:
    """Runs code when it is unpickled."""

    def __reduce__(self):
        """Make unpickling create a file."""
        return open, ("harmed", "w")


def spoil_with_code(path):
    torch.save({"projection.weight": Harmful()}, path)


def cut_short(path):
    path.write_bytes(path.read_bytes()[:-100])


def give_other_size(path):
    torch.save({"projection.weight": torch.ones(2), "projection.bias": 1}, path)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (spoil_with_code, "could run code"),
        (cut_short, "truncated"),
        (give_other_size, "head.ckpt cannot be used"),
        (lambda path: path.unlink(), "head.ckpt cannot be used"),
    ],
)
def test_spoilt_weights_are_refused(run, tmp_path, monkeypatch, spoil, message):
    """Nothing in a file can run code, and the message says what is wrong."""
    folder = export_recogniser(run, tmp_path / "toy")
    spoil(folder / "head.ckpt")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=message):
        load_transcriber(folder)
    assert not (tmp_path / "harmed").exists()


def test_config_is_plain(exported):
    """Sizes only; nothing that names a place on this machine."""
    yaml = (exported / "hyperparams.yaml").read_text()
    assert "paths" not in yaml
    assert str(exported.parent) not in yaml
    config = json.loads((exported / "encoder" / "config.json").read_text())
    assert config["hidden_size"] == 32


def test_transcriber_leaves_training_mode():
    """Whatever mode the modules were in."""
    parts = modules(10)
    transcriber = Transcriber(**parts, vocabulary=VOCABULARY)
    assert not any(part.training for part in parts.values())
    assert transcriber.to("cpu") is transcriber
