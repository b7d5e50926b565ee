"""Exported translators: transformers, SpeechBrain and ours load one and the same.

Seen to fail: lengths of the memory by rounding; the newest checkpoint instead of the
best; codes of released models taken for mBART's; no language told to transformers.
"""

import json

import pytest
import torch
import transformers
from speechbrain.inference.ASR import EncoderDecoderASR
from speechbrain.inference.ST import EncoderDecoderS2UT

from tests.finished_run import noise
from tests.finished_translation import (
    SEARCH,
    finished_translation,
    modules,
    tokeniser,
)
from xlsr_sb.cli import main
from xlsr_sb.data.subwords import MBART_CODES, SubwordTokeniser
from xlsr_sb.errors import InputError
from xlsr_sb.export import export_translator, load_translator, run_encoder
from xlsr_sb.export.speechbrain_translator import MemoryEncoder, num_real
from xlsr_sb.heads.translator.adaptor import num_memory
from xlsr_sb.lengths import num_frames
from xlsr_sb.translation.stored import STORED, StoredTranslator

# Rounded fractions of the longest give up to a frame of the memory too many or too few.
LENGTHS = [16_079, 400, 12_345, 9_999, 3_279, 3_280, 15_440, 14_480, 719]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Folder of a run with one target."""
    return finished_translation(tmp_path_factory.mktemp("runs") / "toy")


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory):
    """Folder that was exported from it."""
    return export_translator(run, tmp_path_factory.mktemp("exports") / "toy")


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
    return batch, torch.tensor([len(one) / longest for one in waveforms])


def tokens_of(folder, waveforms, *, target="en", **search):
    """What ours finds of each waveform alone."""
    translator = load_translator(folder)
    options = {**translator.search, **search}
    prefix = [translator.targets[target]]
    return [
        translator.model.generate(one[None], prefix_tokens=prefix, **options)[0]
        for one in waveforms
    ]


# Ours


def test_best_checkpoint_is_taken(run, exported):
    """Not the newest; by its run and by the exported folder."""
    for source in (run, exported):
        translator = load_translator(source)
        wanted = modules(20, translator.tokeniser.vocab_size)
        for name in ("encoder", "head"):
            weights = getattr(translator.model, name).state_dict()
            for key, tensor in wanted[name].state_dict().items():
                assert torch.equal(weights[key], tensor), key
        assert translator.search == SEARCH
        assert not translator.model.training
        assert translator.targets == translator.tokeniser.target_ids(["en"])


def test_texts_do_not_depend_on_the_batch(run, exported, waveforms):
    """Alone, together, in any order, and by either folder."""
    translator = load_translator(run)
    together = translator.translate(waveforms, to="en")
    assert len(set(together)) > 3
    assert [translator.translate([one], to="en")[0] for one in waveforms] == together
    other = load_translator(exported)
    assert other.translate(waveforms[::-1], to="en_XX") == (together[::-1])
    assert other.translate([], to="en") == []


# transformers


@pytest.mark.filterwarnings("ignore")
def test_transformers_generates_the_same_tokens(exported, waveforms):
    """With the settings that stand in the folder, each clip alone."""
    model = transformers.SpeechEncoderDecoderModel.from_pretrained(exported).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(exported)
    texts = load_translator(exported).translate(waveforms, to="en")
    ours = tokens_of(exported, waveforms)
    assert len({len(one) for one in ours}) > 2
    for waveform, found, text in zip(waveforms, ours, texts, strict=True):
        values = torch.nn.functional.layer_norm(waveform, waveform.shape)[None]
        [sequence] = model.generate(values).tolist()
        assert sequence[0] == 2
        assert [one for one in sequence[1:] if one not in (1, 2)] == found
        assert tokenizer.decode(sequence, skip_special_tokens=True).strip() == text


# SpeechBrain


def test_stock_interfaces_translate_as_ours(exported, waveforms, tmp_path):
    """Ragged batches too, where relative lengths are rounded wrongly."""
    ours = load_translator(exported).translate(waveforms, to="en")
    tokens = tokens_of(exported, waveforms)
    stock = EncoderDecoderASR.from_hparams(str(exported), savedir=str(tmp_path / "a"))
    assert stock.transcribe_batch(*padded(waveforms)) == (ours, tokens)
    units = EncoderDecoderS2UT.from_hparams(str(exported), savedir=str(tmp_path / "b"))
    assert units.translate_batch(*padded(waveforms)) == tokens
    path = noise(tmp_path / "a.wav", 20_000)
    waveform = stock.load_audio(str(path))
    assert (
        stock.transcribe_file(str(path))
        == (load_translator(exported).translate([waveform], to="en")[0])
    )
    assert not any(parameter.requires_grad for parameter in stock.parameters())


def test_stock_interface_leaves_the_folder_as_it_is(exported):
    """Without a folder for what it fetches."""
    EncoderDecoderASR.from_hparams(source=str(exported))
    assert sorted(path.name for path in exported.iterdir()) == [
        *["README.md", "config.json", "generation_config.json", "hyperparams.yaml"],
        *["model.safetensors", "preprocessor_config.json", "sentencepiece.bpe.model"],
        *["tokenizer.json", "tokenizer_config.json", "translator.json"],
    ]


def test_lengths_are_told_by_zeros(exported, waveforms):
    """Where rounding would be wrong in both directions."""
    encoder = MemoryEncoder(load_translator(exported).model)
    batch, wav_lens = padded(waveforms)
    with torch.no_grad():
        memory = encoder(batch, wav_lens)
    wanted = [num_memory(num_frames(n)) for n in LENGTHS]
    assert num_real(memory).tolist() == wanted
    rounded = (wav_lens * memory.shape[1]).round().tolist()
    assert {-1, 0} <= {int(a) - b for a, b in zip(rounded, wanted, strict=True)}


# Several languages


def test_several_targets(tmp_path, waveforms, capsys):
    """The language is named, everywhere."""
    run = finished_translation(tmp_path / "run", targets=("de", "en", "zh-CN"))
    main(["export", str(run), str(tmp_path / "out")])
    assert f"exported to {tmp_path / 'out'}" in capsys.readouterr().out
    translator = load_translator(tmp_path / "out")
    texts = {name: translator.translate(waveforms, to=name) for name in ("de", "zh")}
    assert texts["de"] != texts["zh"]
    stock = EncoderDecoderASR.from_hparams(
        str(tmp_path / "out"), overrides={"target": "de"}
    )
    found, tokens = stock.transcribe_batch(*padded(waveforms))
    assert found == texts["de"]
    assert tokens == tokens_of(tmp_path / "out", waveforms, target="de")
    undecided = EncoderDecoderASR.from_hparams(str(tmp_path / "out"))
    with pytest.raises(InputError, match="into de, en, zh-CN; name one"):
        undecided.transcribe_batch(*padded(waveforms))
    for wanted in (None, "fr"):
        with pytest.raises(InputError, match="translates into de, en, zh-CN; "):
            translator.language(wanted)
    generation = json.loads((tmp_path / "out/generation_config.json").read_text())
    assert "forced_bos_token_id" not in generation
    assert generation["num_beams"] == SEARCH["beam_size"]


# Released checkpoints


@pytest.mark.parametrize(
    ("name", "targets"), [("a-21-to-en", ["en"]), ("a-en-to-15", None), ("a", None)]
)
def test_targets_of_a_released_folder(exported, tmp_path, name, targets):
    """By its name; Latvian has another's code."""
    translator = load_translator(exported)
    own = SubwordTokeniser(translator.tokeniser.model, MBART_CODES)
    model = modules(20, own.vocab_size)
    folder = tmp_path / name
    type(translator.model)(**model).save_pretrained(folder)
    own.save(folder)
    found = load_translator(folder)
    if targets is not None:
        assert list(found.targets) == targets
        return
    assert len(found.targets) == (15 if name.endswith("15") else 16)
    assert found.targets["lv"] == own.language_id("my")
    assert found.targets["ca"] == own.language_id("es")
    with pytest.raises(InputError, match=r"into ar, ca, cy, .*; not into 'es'"):
        found.language("es")


# Texts and errors


def test_card_tells_what_was_scored(exported, tmp_path):
    """Pairs, BLEU, signatures; and says so if there is no score."""
    card = (exported / "README.md").read_text()
    assert "language: ['fr', 'en']" in card
    assert "| fr_en | 1 | 12.5 | 12.5 |" in card
    assert "- `BLEU: nrefs:1|tok:13a`\n- `chrF: nrefs:1|nc:6`" in card
    assert "no signature" not in card
    assert "update 20" in card
    bare = tmp_path / "bare"
    finished_translation(bare)
    for name in ("results.csv", "test.scores.csv"):
        (bare / name).unlink()
    target = export_translator(bare, tmp_path / "out")
    assert "was not scored" in (target / "README.md").read_text()
    assert "language: ['en']" in (target / "README.md").read_text()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda run: (run / "encoder.json").unlink(), "no encoder.json"),
        (lambda run: (run / STORED).write_text("{"), "translator.json cannot be used"),
        (lambda run: StoredTranslator({"en": 4}, {}).save(run), "the head's sizes"),
        (lambda run: (run / "tokeniser/sentencepiece.bpe.model").unlink(), "cannot be"),
    ],
)
def test_run_that_is_not_whole(tmp_path, spoil, message):
    """One error."""
    run = finished_translation(tmp_path / "run")
    spoil(run)
    with pytest.raises(InputError, match=message):
        load_translator(run)


def test_tokeniser_of_another_model(exported, run, tmp_path):
    """Its ids would be other subwords."""
    folder = export_translator(run, tmp_path / "out")
    other = load_translator(exported).tokeniser
    SubwordTokeniser(other.model, ("en_XX", "de_DE")).save(folder)
    with pytest.raises(InputError, match="this tokeniser has"):
        load_translator(folder)


def test_target_and_language_that_cannot_be(run, exported, tmp_path, capsys):
    """An existing folder; a language where the outputs are shared."""
    for argv in ([exported], [tmp_path / "new", "--language", "en"]):
        with pytest.raises(SystemExit):
            main(["export", str(run), *map(str, argv)])
        assert capsys.readouterr().err.startswith("error: ")
    assert not (tmp_path / "new").exists()


def test_adapters_are_merged(tmp_path, waveforms):
    """An encoder with LoRA gives the same translations from the exported folder."""
    run = finished_translation(tmp_path / "run", lora_rank=2)
    translator = load_translator(run)
    assert translator.model.encoder.config.lora_rank == 2
    target = export_translator(run, tmp_path / "out")
    texts = translator.translate(waveforms, to="en")
    assert load_translator(target).translate(waveforms, to="en") == texts
    stock = EncoderDecoderASR.from_hparams(str(target))
    assert stock.transcribe_batch(*padded(waveforms))[0] == texts


def test_features_of_a_run_come_from_its_best_checkpoint(run):
    """The encoder alone, as ``xlsr-sb features`` takes it."""
    encoder = run_encoder(run)
    assert not encoder.training
    wanted = modules(20, tokeniser(["en"]).vocab_size)["encoder"].state_dict()
    found = encoder.state_dict()
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)
