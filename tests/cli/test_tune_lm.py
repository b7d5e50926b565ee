"""``xlsr-sb build-lm`` and ``tune-lm``: what they print, write and refuse."""

import argparse
import json
import shutil

import pytest

from tests.finished_run import VOCABULARY
from xlsr_sb.cli import build_lm, tune_lm
from xlsr_sb.decoders.language_model import check_language_model
from xlsr_sb.decoders.lexicon_beam import LexiconDecoder
from xlsr_sb.decoders.search import Weights
from xlsr_sb.decoders.settings import DecoderSettings
from xlsr_sb.decoders.tuning import Trial
from xlsr_sb.errors import InputError
from xlsr_sb.manifest import Utterance, write_manifest

TEXTS = ["C'est fini.", "Été fini !", "Fini, c'est été"]


def command(module, *argv):
    """Run a command of a module."""
    parser = argparse.ArgumentParser()
    module.add_to(parser.add_subparsers())
    arguments = parser.parse_args([str(word) for word in argv])
    arguments.call(arguments)


@pytest.fixture
def model(run, tmp_path):
    """Copy of a finished run: something is written into it."""
    return shutil.copytree(run, tmp_path / "model")


@pytest.fixture
def manifest(recordings, tmp_path):
    """Three recordings with transcripts, and one that cannot be read."""
    utterances = [
        Utterance(name, path, seconds, language="fr", wrd=text)
        for name, path, seconds, text in zip(
            "abc", recordings, (0.5625, 1.875, 1.0), TEXTS, strict=True
        )
    ]
    lost = Utterance("d", "lost.wav", 0.0, language="fr", wrd="fini")
    write_manifest(tmp_path / "dev.csv", [*utterances, lost])
    return tmp_path / "dev.csv"


@pytest.fixture
def lm(manifest, tmp_path, capsys):
    """Language model of these transcripts."""
    command(build_lm, "build-lm", manifest, "--to", tmp_path / "lm.arpa", "--order", 2)
    assert capsys.readouterr().out.startswith(f"{tmp_path}/lm.arpa: 6 1-grams, ")
    return tmp_path / "lm.arpa"


def test_language_model_is_of_normalised_words(lm):
    """As the model writes them."""
    assert set(check_language_model(lm).words()) == {"c'est", "fini", "été"}


def test_units_and_text_files(tmp_path, capsys):
    """Characters have a boundary between words; symbols stay as they are."""
    (tmp_path / "text.txt").write_text("Où OUI ?\n\nnon\n", encoding="utf-8")
    (tmp_path / "phones.txt").write_text("tʃ A tʃ\n", encoding="utf-8")
    for name, unit, expected in (
        ("text.txt", "characters", set("oùu|in")),
        ("phones.txt", "tokens", {"tʃ", "A"}),
    ):
        target = tmp_path / f"{unit}.arpa.gz"
        argv = (tmp_path / name, "--to", target, "--unit", unit, "--order", 2)
        command(build_lm, "build-lm", *argv)
        assert set(check_language_model(target).words()) == expected
    assert "of 9 characters" in capsys.readouterr().out


def test_tuned_weights_are_kept_with_the_model(model, manifest, lm, capsys):
    """A line for each trial; the best of them is what is loaded."""
    argv = (model, manifest, "--lm", lm, "--trials", 5, "--seed", 3)
    command(tune_lm, "tune-lm", *argv)
    greedy, *lines, best, path = capsys.readouterr().out.splitlines()
    assert path == str(model / "decoder.json")
    content = json.loads((model / "decoder.json").read_text())
    tuning = content["tuning"]
    assert (tuning["trials"], tuning["seed"], tuning["utterances"]) == (5, 3, 4)
    assert [line.split("\t")[0] for line in lines] == list("12345")
    rates = [float(line.split("WER ")[1].split(" %")[0]) for line in lines]
    assert rates[0] == pytest.approx(100 * tuning["before"]["WER"], abs=0.01)
    assert min(rates) == pytest.approx(100 * tuning["after"]["WER"], abs=0.01)
    assert f"WER {100 * tuning['greedy']['WER']:.2f} %" in greedy
    settings = DecoderSettings.load(model)
    chosen = f"lm_weight {settings.lm_weight:g} word_score {settings.word_score:g}"
    assert chosen in best
    assert best.split("\t")[1:] in [line.split("\t")[1:] for line in lines]
    assert settings.lm == str(lm)
    assert isinstance(settings.build(VOCABULARY), LexiconDecoder)


def test_best_trial_is_kept_wherever_it_came(model, manifest, lm, monkeypatch):
    """Not the first, not the last. Mutation that fails here: the last one is kept."""
    errors = {0.5: (7, 9), 1.5: (3, 9), 2.5: (3, 8), 3.5: (4, 1)}
    trials = [Trial(Weights(weight), made) for weight, made in errors.items()]
    monkeypatch.setattr(tune_lm, "search", lambda *_, **__: iter(trials))
    command(tune_lm, "tune-lm", model, manifest, "--lm", lm)
    assert DecoderSettings.load(model).lm_weight == 2.5
    tuning = json.loads((model / "decoder.json").read_text())["tuning"]
    assert (tuning["before"]["WER"], tuning["after"]["WER"]) == (7 / 8, 3 / 8)


def test_same_seed_same_weights(model, manifest, lm, capsys):
    """The network's outputs are the same, and so is the search."""
    printed = []
    for _ in range(2):
        command(tune_lm, "tune-lm", model, manifest, "--lm", lm, "--trials", 4)
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]


def test_network_runs_once(model, manifest, lm, monkeypatch):
    """However many trials there are."""
    runs = []
    once = tune_lm._log_probs
    monkeypatch.setattr(
        tune_lm, "_log_probs", lambda *given: runs.append(given) or once(*given)
    )
    command(tune_lm, "tune-lm", model, manifest, "--lm", lm, "--trials", 3)
    assert len(runs) == 1


def test_characters_without_a_lexicon(model, manifest, tmp_path):
    """Its weights are of the model and of the spaces."""
    argv = (manifest, "--to", tmp_path / "c.arpa", "--unit", "characters")
    command(build_lm, "build-lm", *argv)
    argv = ("--lm", tmp_path / "c.arpa", "--kind", "beam", "--trials", 3)
    command(tune_lm, "tune-lm", model, manifest, *argv)
    settings = DecoderSettings.load(model)
    assert (settings.kind, settings.word_score) == ("beam", -1.0)


def test_unreadable_utterances_count_as_deleted(model, manifest, lm, capsys):
    """Nine words in all, one of them in the recording that is lost."""
    command(tune_lm, "tune-lm", model, manifest, "--lm", lm, "--trials", 1)
    rates = json.loads((model / "decoder.json").read_text())["tuning"]["before"]
    assert rates["WER"] * 8 == pytest.approx(round(rates["WER"] * 8), abs=1e-4)
    assert rates["WER"] >= 1 / 8
    capsys.readouterr()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda argv: [argv[0] + "/none", *argv[1:]], "is no folder"),
        (lambda argv: [*argv[:-1], "none.arpa"], "none.arpa cannot be read"),
        (lambda argv: [*argv, "--trials", "0"], "trials is 0"),
        (lambda argv: [*argv, "--beam-size", "0"], "beam_size is 0"),
        (lambda argv: [*argv, "--kind", "beam"], "kind lexicon"),
    ],
)
def test_what_cannot_be_tuned(model, manifest, lm, change, message):
    argv = change([str(model), str(manifest), "--lm", str(lm)])
    with pytest.raises(InputError, match=message):
        command(tune_lm, "tune-lm", *argv)
    assert not (model / "decoder.json").exists()


def test_manifest_without_transcripts(model, recordings, lm, tmp_path):
    write_manifest(tmp_path / "no.csv", [Utterance("a", recordings[0], 0.5625)])
    with pytest.raises(InputError, match="no.csv has no transcripts"):
        command(tune_lm, "tune-lm", model, tmp_path / "no.csv", "--lm", lm)


def test_folder_of_a_language_model_must_be_there(manifest, tmp_path):
    """It is known before anything is counted."""
    target = tmp_path / "none" / "lm.arpa"
    with pytest.raises(InputError, match="its folder does not exist"):
        command(build_lm, "build-lm", manifest, "--to", target)


@pytest.mark.parametrize(("metric", "weight"), [("WER", 1.0), ("CER", 2.0)])
def test_metric_decides(model, manifest, lm, monkeypatch, metric, weight):
    """One trial has fewer word errors, the other fewer character errors."""
    found = {1.0: (1, 9), 2.0: (2, 8)}

    def errors(_, decoder):
        return (
            found[decoder.weights.lm_weight] if hasattr(decoder, "weights") else (3, 9)
        )

    def search(errors_of, **_):
        for value in found:
            weights = Weights(lm_weight=value)
            yield Trial(weights, errors_of(weights))

    monkeypatch.setattr(tune_lm._DevSet, "errors", errors)
    monkeypatch.setattr(tune_lm, "search", search)
    command(tune_lm, "tune-lm", model, manifest, "--lm", lm, "--metric", metric)
    known = json.loads((model / "decoder.json").read_text())
    assert known["settings"]["lm_weight"] == weight
    assert known["tuning"]["metric"] == metric
    words = {1.0: 1, 2.0: 2}[weight]
    assert known["tuning"]["after"]["WER"] == words / 8
