"""One language out of a run that has outputs for several: an ordinary recogniser.

Seen to fail: the tokens of all languages under the rows of one; results of the other
languages in a model card.
"""

import json
import shutil

import pytest
import torch
from speechbrain.inference.ASR import EncoderASR

from tests.cli.commands import fails
from tests.finished_run import SIZES, noise, result
from tests.test_export import padded
from xlsr_sb import XLSR
from xlsr_sb.cli import main
from xlsr_sb.data.audio import load_audio
from xlsr_sb.data.text import LanguageVocabularies
from xlsr_sb.decoders.greedy import GreedyDecoder
from xlsr_sb.decoders.settings import DecoderSettings
from xlsr_sb.errors import InputError
from xlsr_sb.export import (
    export_recogniser,
    load_transcriber,
    run_encoder,
    write_sizes,
)
from xlsr_sb.heads.ctc import CTCHead
from xlsr_sb.heads.language_ctc import LanguageCTCHead
from xlsr_sb.manifest import Utterance, write_manifest
from xlsr_sb.results import append_rows
from xlsr_sb.training.checkpointer import AtomicCheckpointer

TEXTS = {"fr": "été c'est fini", "pl": "żółw być"}
LENGTHS = [16_000, 9_999, 30_001, 400]
LANGUAGES = LanguageVocabularies.of(
    [
        Utterance(name, "x.wav", 1.0, language=name, wrd=text)
        for name, text in TEXTS.items()
    ],
    units="characters",
)


def modules():
    """Encoder and head, loud enough to say many tokens."""
    torch.manual_seed(20)
    ids = LANGUAGES.ids
    rows = CTCHead(SIZES["dim"], sum(map(len, ids.values())))
    for parameter in rows.parameters():
        torch.nn.init.normal_(parameter)
    head = LanguageCTCHead(rows, ids, num_tokens=len(LANGUAGES.whole))
    return {"encoder": XLSR.build(**SIZES).eval(), "head": head.eval()}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Folder of a finished run."""
    folder = tmp_path_factory.mktemp("runs") / "joint"
    folder.mkdir()
    parts = modules()
    AtomicCheckpointer(folder / "save", parts).save(
        {"update": 3, "CER": 0.5}, num_recent=1
    )
    LANGUAGES.save(folder / "vocabularies.json")
    LANGUAGES.whole.save(folder / "vocabulary.txt")
    write_sizes(folder, parts["encoder"].config)
    rows = [result(group="fr", value=0.25), result(group="pl", value=0.5)]
    append_rows(folder / "results.csv", [*rows, result(group="all", value=0.4)])
    return folder


@pytest.fixture(scope="module")
def waveforms():
    generator = torch.Generator().manual_seed(5)
    return [torch.randn(n, generator=generator) for n in LENGTHS]


@pytest.fixture
def recordings(tmp_path):
    """Paths of two recordings."""
    lengths = {"a.wav": 30_000, "b.wav": 16_000}
    return [str(noise(tmp_path / name, n, seed=n)) for name, n in lengths.items()]


@torch.no_grad()
def said_by_the_run(waveforms, language):
    """Texts of the model as it was trained, in one vocabulary for all."""
    parts = modules()
    batch = torch.nn.utils.rnn.pad_sequence(waveforms, batch_first=True)
    num_samples = torch.tensor([len(one) for one in waveforms])
    encoded = parts["encoder"].encode(batch, num_samples)
    names = [language] * len(waveforms)
    log_probs = parts["head"](encoded.features, languages=names)
    decoder = GreedyDecoder(LANGUAGES.whole)
    found = decoder.decode(log_probs, num_frames=encoded.num_frames)
    return [best.text for [best] in found]


@pytest.mark.parametrize("language", TEXTS)
def test_one_language_says_what_the_run_says(run, waveforms, tmp_path, language):
    """Loaded, exported, and exported to the stock interface."""
    wanted = said_by_the_run(waveforms, language)
    assert len(set(wanted)) > 2
    assert set("".join(wanted)) <= {*TEXTS[language], " ", "⁇"}
    of_run = load_transcriber(run, language=language)
    assert of_run.transcribe(waveforms) == wanted
    assert of_run.vocabulary == LANGUAGES.parts[language]
    target = export_recogniser(run, tmp_path / language, language=language)
    exported = load_transcriber(target)
    assert exported.transcribe(waveforms) == wanted
    assert isinstance(exported.head, CTCHead)
    stock = EncoderASR.from_hparams(source=str(target))
    assert stock.transcribe_batch(*padded(waveforms))[0] == wanted
    assert sorted(path.name for path in target.iterdir()) == [
        *["README.md", "encoder", "encoder.ckpt", "head.ckpt", "hyperparams.yaml"],
        *["tokenizer.ckpt", "vocabulary.txt"],
    ]


def test_languages_differ(waveforms):
    """Or the test above would be of nothing."""
    assert said_by_the_run(waveforms, "fr") != said_by_the_run(waveforms, "pl")


def test_model_card_is_of_the_language(run, tmp_path):
    """Its results only."""
    target = export_recogniser(run, tmp_path / "pl", language="pl")
    card = (target / "README.md").read_text(encoding="utf-8")
    assert "language: ['pl']\n" in card
    assert "| pl | 1 | 50.0 |" in card
    assert "25.0" not in card
    assert "40.0" not in card


def test_encoder_needs_no_language(run):
    """It is the same for all."""
    wanted = modules()["encoder"].state_dict()
    found = run_encoder(run)
    assert not found.training
    assert all(torch.equal(found.state_dict()[k], v) for k, v in wanted.items())


@pytest.mark.parametrize("language", [None, "es"])
@pytest.mark.parametrize("command", ["transcribe", "export", "tune-lm"])
def test_a_language_must_be_named(run, recordings, tmp_path, capsys, command, language):
    """One of those that there are; nothing is made."""
    target = tmp_path / "new"
    argv = {
        "transcribe": [*recordings, "--output", target],
        "export": [target],
        "tune-lm": [tmp_path / "dev.csv", "--lm", tmp_path / "lm.arpa"],
    }[command]
    named = [] if language is None else ["--language", language]
    code, _, errors = fails(capsys, command, run, *argv, *named)
    assert code == 2
    assert errors == [
        f"error: language is {language!r}; {run} has separate outputs for fr, pl: "
        "name one of them, with --language"
    ]
    assert not target.exists()


def test_a_model_with_one_set_of_outputs_has_no_choice(
    run, recordings, tmp_path, capsys
):
    """A run, and what was exported of a language."""
    shared = shutil.copytree(run, tmp_path / "shared")
    (shared / "vocabularies.json").unlink()
    exported = export_recogniser(run, tmp_path / "fr", language="fr")
    for model in (shared, exported):
        argv = (model, *recordings, "--language", "fr")
        code, _, errors = fails(capsys, "transcribe", *argv)
        assert code == 2
        assert errors == [
            f"error: language 'fr': {model} has one set of outputs for all it knows; "
            "name no language"
        ]
    with pytest.raises(InputError, match="name no language"):
        export_recogniser(shared, tmp_path / "new", language="fr")


def test_transcribing_a_language(run, recordings, capsys):
    """Each in its letters."""
    waveforms = [torch.as_tensor(load_audio(path)) for path in recordings]
    for language in TEXTS:
        main(["transcribe", str(run), *recordings, "--language", language])
        texts = [line.split("\t")[1] for line in capsys.readouterr().out.splitlines()]
        assert texts == load_transcriber(run, language=language).transcribe(waveforms)
        assert texts[0]


def test_a_language_model_is_tuned_for_a_language(run, recordings, tmp_path, capsys):
    """On the utterances of that language; it is used for that language alone."""
    model = shutil.copytree(run, tmp_path / "model")
    utterances = [
        Utterance(str(i), path, 1.0, language=language, wrd=text)
        for i, (path, (language, text)) in enumerate(
            zip(recordings, TEXTS.items(), strict=True)
        )
    ]
    write_manifest(tmp_path / "dev.csv", utterances)
    lm = tmp_path / "lm.arpa"
    write_manifest(tmp_path / "fr.csv", utterances[:1])
    write_manifest(tmp_path / "pl.csv", utterances[1:])
    main(["build-lm", str(tmp_path / "pl.csv"), "--to", str(lm), "--order", "2"])
    argv = [str(model), str(tmp_path / "dev.csv"), "--lm", str(lm), "--trials", "2"]
    main(["tune-lm", *argv, "--language", "pl"])
    path = model / "languages" / "pl" / "decoder.json"
    assert capsys.readouterr().out.splitlines()[-1] == str(path)
    assert json.loads(path.read_text())["tuning"]["utterances"] == 1
    assert DecoderSettings.load(path.parent).kind == "lexicon"
    main(["transcribe", str(model), recordings[1], "--language", "pl"])
    words = capsys.readouterr().out.split("\t")[1].split()
    assert set(words) <= {"żółw", "być"}
    main(["transcribe", str(model), recordings[0], "--language", "fr"])
    waveform = torch.as_tensor(load_audio(recordings[0]))
    (greedy,) = load_transcriber(run, language="fr").transcribe([waveform])
    assert capsys.readouterr().out.split("\t")[1].strip() == greedy
    argv[1] = str(tmp_path / "fr.csv")
    _, _, errors = fails(capsys, "tune-lm", *argv, "--language", "pl")
    assert errors[0].startswith(f"error: {argv[1]} has no transcripts of pl; nothing")
