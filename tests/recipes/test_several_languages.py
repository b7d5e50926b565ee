"""Several languages in one run, as a user starts it: prepared, learnt, scored, used."""

import csv
import json
import shutil
from dataclasses import replace

import pytest
import torch
from speechbrain.inference.ASR import EncoderASR

from tests.fixtures import ROOT
from tests.outcome import differences, final_state, kept_updates
from tests.recipes.babel_files import write_babel
from tests.recipes.common_voice_files import write_common_voice
from tests.recipes.mls_files import NUM_DEV, NUM_TEST, ids_of, text, write_mls
from tests.recipes.voxpopuli_files import write_voxpopuli
from xlsr_sb.cli import main
from xlsr_sb.data.audio import load_audio
from xlsr_sb.data.joining import prepared
from xlsr_sb.export import load_transcriber
from xlsr_sb.manifest import check_manifest, read_manifest
from xlsr_sb.results import read_rows
from xlsr_sb.run.preparation import find_prepare

CORPORA = {  # how it is written; what is read of it, and as what
    "BABEL": (write_babel, "", {"language": "as,ka"}),
    "CommonVoice": (write_common_voice, "cv-corpus-3", {"language": "sv,zh"}),
    "MLS": (write_mls, "", {"language": "fr,pl", "labels": "1h"}),
    "VoxPopuli": (write_voxpopuli, "", {"language": "en,fr"}),
}
RECIPE = ROOT / "recipes" / "MLS" / "ASR"
NUM_TRAIN = 9  # of ten hours
POLISH = str.maketrans("ai", "ął")  # written in letters of its own
SMALL = {
    "optim.num_updates": 4,
    "optim.encoder_frozen_updates": 1,
    "optim.validate_every_updates": 2,
    "optim.checkpoint_every_minutes": 0,
    "optim.head_lr": 0.05,
    "data.seconds_per_update": 4.0,
    "data.seconds_per_device": 2.5,
    "data.sampling_alpha": 0.5,
    "data.num_workers": 0,
}


@pytest.mark.parametrize("name", CORPORA)
def test_languages_together_are_languages_one_by_one(name, tmp_path):
    """Of every corpus; lengths are remembered, utterances know their language."""
    write, place, options = CORPORA[name]
    write(tmp_path)
    prepare = find_prepare(str(ROOT / "recipes" / name / "ASR" / "train.py"))
    options = {"data_folder": str(tmp_path / place), **options}
    if name == "CommonVoice":
        options |= {"splits": str(tmp_path / "common_voices_splits"), "train": "1h"}
    codes = options["language"].split(",")
    parts = {code: prepare(**{**options, "language": code}) for code in codes}
    for _ in range(2):  # the second time from what was remembered
        cache = str(tmp_path / "lengths.csv")
        found = prepared(prepare, {**options, "cache": cache})
        assert list(found.splits) == ["train", "dev", "test"]
        for split, utterances in found.splits.items():
            check_manifest(utterances, source=split)
            wanted = [
                replace(one, id=f"{code}/{one.id}", language=code)
                for code in codes
                for one in parts[code].splits[split]
            ]
            assert utterances == wanted
        kept = [note.kept for code in codes for note in parts[code].notes]
        assert [note.kept for note in found.notes] == kept
        assert {note.group.split()[0] for note in found.notes} == set(codes)


@pytest.fixture(scope="module")
def mls(tmp_path_factory):
    """French and Polish with the same ids; letters differ."""
    folder = tmp_path_factory.mktemp("mls")
    write_mls(folder)
    for path in (folder / "mls_polish_opus").glob("*/transcripts.txt"):
        lines = [line.split("\t") for line in path.read_text().splitlines()]
        new = [f"{name}\t{words.translate(POLISH)}\n" for name, words in lines]
        path.write_text("".join(new), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def start(launcher, mls, encoder_folder):
    """Function that starts a run into a folder."""

    def started(folder, **options):
        options = {
            "data_folder": mls,
            "language": "fr,pl",
            "encoder.source": encoder_folder,
            "output_folder": folder,
            **SMALL,
            **options,
        }
        words = [str(x) for key, value in options.items() for x in (f"--{key}", value)]
        return launcher.start("hparams/xlsr_300m.yaml", *words, folder=RECIPE)

    return started


@pytest.fixture(scope="module", params=[False, True], ids=["shared", "per language"])
def per_language(request):
    """Whether each language has outputs of its own."""
    return request.param


@pytest.fixture(scope="module")
def run(start, per_language, tmp_path_factory):
    """Folder of a finished run."""
    folder = tmp_path_factory.mktemp("runs") / "joint"
    process = start(folder, **{"head.per_language": per_language})
    assert process.wait() == 0, process.err
    assert "fr train 10h" in process.out
    assert "pl train 10h" in process.out
    return folder


def test_manifests_hold_both_languages(run):
    """Each of its clips once, under names of their own; lengths are remembered."""
    for split, count in (("train", NUM_TRAIN), ("dev", NUM_DEV), ("test", NUM_TEST)):
        found = read_manifest(run / "manifests" / f"{split}.csv")
        names = ids_of(split, count)
        assert [one.id for one in found] == [
            f"{language}/{name}" for language in ("fr", "pl") for name in names
        ]
        assert [one.wrd for one in found[count:]] == [
            text(name).translate(POLISH) for name in names
        ]
    with (run / "lengths.csv").open(newline="") as file:
        assert len(list(csv.reader(file))) == 2 * (NUM_TRAIN + NUM_DEV + NUM_TEST)


def test_each_language_is_scored_and_both(run):
    """On whole test sets."""
    rows = {(row.group, row.metric): row for row in read_rows(run / "results.csv")}
    assert {group for group, _ in rows} == {"fr", "pl", "all"}
    words = sum(len(text(name).split()) for name in ids_of("test", NUM_TEST))
    for group, count in (("fr", 1), ("pl", 1), ("all", 2)):
        row = rows[group, "WER"]
        assert (row.clips, row.total) == (count * NUM_TEST, count * words)


def test_vocabularies_are_kept(run, per_language):
    """Of all, and of each if it has outputs of its own."""
    whole = (run / "vocabulary.txt").read_text(encoding="utf-8").split("\n")
    assert {"a", "i", "ą", "ł"} <= set(whole)
    assert (run / "vocabularies.json").exists() == per_language
    if per_language:
        found = json.loads((run / "vocabularies.json").read_text(encoding="utf-8"))
        assert list(found) == ["fr", "pl"]
        assert {"a", "i"} <= set(found["fr"])
        assert {"ą", "ł"} <= set(found["pl"])
        assert not {"ą", "ł"} & set(found["fr"])
        assert not {"a", "i"} & set(found["pl"])


def test_it_goes_on_where_it_stopped(run, start, per_language, tmp_path):
    """From an earlier checkpoint to the same end, bit for bit; nothing is prepared."""
    wanted = final_state(run)
    again = shutil.copytree(run, tmp_path / "again")
    checkpoints = kept_updates(again)
    shutil.rmtree(checkpoints.pop(4))
    assert max(checkpoints) == 3
    process = start(again, **{"head.per_language": per_language})
    assert process.wait() == 0, process.err
    assert "resumed at update 3" in (again / "log.txt").read_text()
    assert "fr train 10h" not in process.out
    found = final_state(again)
    for state in (wanted, found):  # of the copy one checkpoint is another
        state.pop("kept")
        state.pop("folders")
    assert list(differences(found, wanted)) == []


def test_other_languages_are_prepared_anew(run, start, per_language, tmp_path):
    """And a head of the other kind is refused, before any training."""
    again = shutil.copytree(run, tmp_path / "again")
    options = {"head.per_language": per_language, "language": "pl"}
    process = start(again, **options)
    assert process.wait() == 0, process.err
    assert "prepared anew" in process.err
    found = read_manifest(again / "manifests" / "test.csv")
    assert [one.id for one in found] == ids_of("test", NUM_TEST)
    assert {one.language for one in found} == {"pl"}
    options["head.per_language"] = not per_language
    process = start(again, **options)
    assert process.wait() == 2
    assert f"head.per_language is {not per_language}, and " in process.err


def test_an_unknown_language_is_answered_by_the_corpus(start, tmp_path):
    process = start(tmp_path / "run", language="fr,xx")
    assert process.wait() == 2
    assert "error: language 'xx' is not in MLS, which has de, en, es" in process.err


def test_what_users_do_next(run, per_language, mls, tmp_path, capsys):
    """Transcribe, export, load in the stock interface."""
    for language, folder in (("fr", "mls_french"), ("pl", "mls_polish_opus")):
        named = ["--language", language] if per_language else []
        clips = sorted(map(str, (mls / folder / "test").rglob("*_*.*")))
        assert len(clips) == NUM_TEST
        main(["transcribe", str(run), *clips, *named])
        texts = [line.split("\t")[1] for line in capsys.readouterr().out.splitlines()]
        target = tmp_path / language
        main(["export", str(run), str(target), *named])
        capsys.readouterr()
        stock = EncoderASR.from_hparams(source=str(target))
        waveforms = [torch.as_tensor(load_audio(path)) for path in clips]
        found = [
            stock.transcribe_batch(one[None], torch.ones(1))[0][0] for one in waveforms
        ]
        assert found == texts
        loaded = load_transcriber(target)
        assert ("ą" in loaded.vocabulary.tokens) == (
            language == "pl" or not per_language
        )
        assert loaded.transcribe(waveforms) == texts
