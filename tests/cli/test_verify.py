"""``xlsr-sb verify``: pairs and lists, with calibration and without.

Seen to fail: pieces that count alike, however long; decisions at equal odds whatever
the prior.
"""

import csv

import numpy as np
import pytest
import soundfile
import torch

from tests.cli.commands import fails
from tests.finished_classification import CALIBRATION, finished_classification
from tests.finished_run import noise
from xlsr_sb.cli import main
from xlsr_sb.data.audio import load_audio
from xlsr_sb.export import export_classifier, load_classifier
from xlsr_sb.identification import verifying
from xlsr_sb.metrics.verification import TrialScores, verification_scores

COUNTS = {"ann/1.wav": 9_000, "ann/2.wav": 16_000, "bob/1.wav": 12_000}
COUNTS |= {"bob/2.wav": 5_000}
TRIALS = [
    (1, "ann/1.wav", "ann/2.wav"),
    (1, "bob/1.wav", "bob/2.wav"),
    *((0, f"ann/{i}.wav", f"bob/{j}.wav") for i in (1, 2) for j in (1, 2)),
]


@pytest.fixture(scope="module")
def voices(tmp_path_factory):
    """Folder of a finished run that is calibrated, and one that is not."""
    folder = tmp_path_factory.mktemp("runs")
    options = {"kind": "speaker", "names": ("x", "y", "z")}
    finished_classification(folder / "sid", is_calibrated=True, **options)
    finished_classification(folder / "plain", **options)
    return folder


@pytest.fixture(scope="module")
def speech(tmp_path_factory):
    """Folder of recordings of two people."""
    folder = tmp_path_factory.mktemp("speech")
    for name, count in COUNTS.items():
        (folder / name).parent.mkdir(exist_ok=True)
        noise(folder / name, count, seed=count)
    return folder


@pytest.fixture(scope="module")
def cosines(voices, speech):
    """Of each trial, computed here."""
    classifier = load_classifier(voices / "sid")
    rows = {name: classifier.embed([load_audio(speech / name)])[0] for name in COUNTS}
    return [
        torch.cosine_similarity(rows[a], rows[b], dim=0).item() for _, a, b in TRIALS
    ]


def listed(path, *, labels=True, suffix=True):
    """Write the trials; the path."""
    lines = []
    for label, *names in TRIALS:
        names = [name if suffix else name.removesuffix(".wav") for name in names]
        lines.append(" ".join([*([str(label)] if labels else []), *names]))
    path.write_text("\n".join(lines) + "\n")
    return path


def told(text):
    """What is printed, by its name."""
    return dict(line.split("\t")[:2] for line in text.splitlines())


def verify(*argv):
    """Run the command."""
    main(["verify", *map(str, argv)])


# Two recordings


def test_pair_of_a_calibrated_model(voices, speech, cosines, tmp_path, capsys):
    """Cosine, ratio and a decision at a prior; by the run and by its export."""
    exported = export_classifier(voices / "sid", tmp_path / "out")
    ratio = float(CALIBRATION(cosines[0]))
    rare = 1 / (1 + np.exp(ratio - 0.01))  # a threshold just below the ratio
    for source in (voices / "sid", exported):
        pair = [source, speech / "ann/1.wav", speech / "ann/2.wav"]
        for prior, answer in ((rare, "same"), (rare - 0.01, "different")):
            verify(*pair, "--prior", prior)
            found = told(capsys.readouterr().out)
            assert list(found) == ["score", "llr", "decision"]
            assert float(found["score"]) == pytest.approx(cosines[0], abs=1e-5)
            assert float(found["llr"]) == pytest.approx(ratio, abs=1e-4)
            assert found["decision"] == answer


def test_pair_of_another_model(voices, speech, cosines, capsys):
    """The score alone, or a decision at a threshold."""
    pair = [voices / "plain", speech / "ann/1.wav", speech / "ann/2.wav"]
    verify(*pair)
    assert list(told(capsys.readouterr().out)) == ["score"]
    for change, answer in ((-1e-3, "same"), (1e-3, "different")):
        verify(*pair, "--threshold", cosines[0] + change)
        assert told(capsys.readouterr().out)["decision"] == answer
    code, _, [line] = fails(capsys, "verify", *pair, "--prior", "0.5")
    assert (code, "--prior needs a calibrated model" in line) == (2, True)


def test_enrolment_of_several_files(voices, speech, capsys):
    """The mean of their directions."""
    names = ["ann/1.wav", "ann/2.wav", "bob/1.wav"]
    verify(voices / "sid", *(speech / name for name in names))
    rows = load_classifier(voices / "sid").embed(
        [load_audio(speech / name) for name in names]
    )
    rows = torch.nn.functional.normalize(rows, dim=-1)
    wanted = torch.cosine_similarity(rows[0] + rows[1], rows[2], dim=0)
    found = float(told(capsys.readouterr().out)["score"])
    assert found == pytest.approx(wanted.item(), abs=1e-5)


def test_long_recordings_are_cut(voices, tmp_path, capsys, monkeypatch):
    """Each piece counts as it is long."""
    monkeypatch.setattr(verifying.Verifying, "__init__", _short_pieces)
    samples = 0.1 * np.random.default_rng(2).standard_normal(40_000)
    samples[20_000:24_800] = 0.0
    soundfile.write(tmp_path / "a.wav", samples, 16_000, subtype="FLOAT")
    path = noise(tmp_path / "b.wav", 8_000, seed=3)
    verify(voices / "sid", tmp_path / "a.wav", path)
    waveform = load_audio(tmp_path / "a.wav")
    pieces = [waveform[:22_400], waveform[22_400:], load_audio(path)]
    rows = load_classifier(voices / "sid").embed(pieces)
    first, second, other = torch.nn.functional.normalize(rows, dim=-1)
    mean = len(pieces[0]) * first + len(pieces[1]) * second
    wanted = torch.cosine_similarity(mean, other, dim=0)
    found = float(told(capsys.readouterr().out)["score"])
    assert found == pytest.approx(wanted.item(), abs=1e-5)


def _short_pieces(self, classifier):
    """Recordings above two seconds are long."""
    object.__setattr__(self, "classifier", classifier)
    object.__setattr__(self, "piece_seconds", 2.0)


# Lists


@pytest.mark.parametrize("suffix", [True, False])
def test_list_with_labels(voices, speech, cosines, tmp_path, capsys, suffix):
    """Rows in the order of the list, then what they are worth."""
    path = listed(tmp_path / "trials.txt", suffix=suffix)
    table = tmp_path / "scores.csv"
    options = ["--trials", path, "--audio", speech, "--output", table]
    verify(voices / "sid", *options, "--prior", "0.1")
    found = told(capsys.readouterr().out)
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["enrolment", "test", "score", "llr", "decision", "label"]
    scores = [float(row["score"]) for row in rows]
    assert scores == pytest.approx(cosines, abs=1e-5)
    assert [int(row["label"]) for row in rows] == [label for label, *_ in TRIALS]
    for row in rows:
        ratio = float(row["llr"])
        assert ratio == pytest.approx(CALIBRATION(float(row["score"])), abs=1e-4)
        assert (row["decision"] == "same") == (ratio >= np.log(9))
    trials = TrialScores(cosines, [label == 1 for label, *_ in TRIALS])
    for one in verification_scores(trials):
        assert float(found[one.name]) == pytest.approx(one.value, abs=1e-4)
    assert {"EER", "minDCF(0.01)", "minCllr", "Cllr", "actDCF(0.1)"} == set(found)


def test_list_without_labels(voices, speech, tmp_path, capsys):
    """Rows on the screen; there is nothing to sum up."""
    path = listed(tmp_path / "trials.txt", labels=False)
    verify(voices / "plain", "--trials", path, "--audio", speech)
    out, err = capsys.readouterr()
    assert out.splitlines()[0] == "enrolment,test,score"
    assert len(out.splitlines()) == len(TRIALS) + 1
    assert err == ""


def test_unreadable_recording(voices, speech, tmp_path, capsys):
    """Named; trials of others have their scores, and nothing is summed up."""
    folder = tmp_path / "speech"
    for name in COUNTS:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes((speech / name).read_bytes())
    (folder / "bob/2.wav").write_text("no audio")
    soundfile.write(folder / "bob/1.wav", np.zeros(8_000), 16_000)
    path = listed(tmp_path / "trials.txt")
    argv = ["verify", voices / "sid", "--trials", path, "--audio", folder]
    code, out, errors = fails(capsys, *argv)
    assert (code, len(out.splitlines())) == (1, 2)
    assert "bob/1.wav is silent" in errors[0] + errors[1]
    assert "bob/2.wav cannot be read as audio" in errors[0] + errors[1]
    assert errors[2] == "5 trials have no score; nothing is summed up"
    pair = [folder / "ann/1.wav", folder / "bob/2.wav"]
    code, out, [line] = fails(capsys, "verify", voices / "sid", *pair)
    assert (code, out) == (1, "")


# Arguments


def test_a_model_of_languages(speech, tmp_path, capsys):
    """It can be asked, but is not made for it."""
    run = finished_classification(tmp_path / "lid")
    verify(run, speech / "ann/1.wav", speech / "ann/2.wav")
    out, err = capsys.readouterr()
    assert err == f"warning: {run} was trained to tell languages, not voices\n"
    assert list(told(out)) == ["score"]


def test_arguments_that_cannot_be(voices, speech, tmp_path, capsys):
    """One line, before anything is computed."""
    path = listed(tmp_path / "trials.txt")
    mixed = tmp_path / "mixed.txt"
    mixed.write_text("a b\n1 a b\n")
    wrong = tmp_path / "wrong.txt"
    wrong.write_text("1 ann/1.wav carl.wav\n")
    (tmp_path / "bad").mkdir()
    finished_classification(tmp_path / "bad/run", kind="speaker")
    (tmp_path / "bad/run/calibration.json").write_text("{}")
    audio = ["--audio", speech]
    pair = [speech / "ann/1.wav", speech / "ann/2.wav"]
    for source, argv, message in (
        ("sid", pair[:1], "1 recordings are given; two are needed"),
        ("sid", [*pair, "--trials", path, *audio], "--trials LIST needs --audio"),
        ("sid", ["--trials", path], "--trials LIST needs --audio"),
        ("sid", [*pair, *audio], "--audio and --output belong to --trials"),
        ("sid", [*pair, "--prior", "2"], "p_target is 2.0; it must lie between"),
        ("sid", [*pair, "--prior", ".1", "--threshold", "1"], "--prior and --thresh"),
        ("sid", ["--trials", mixed, *audio], f"{mixed}, line 2: 3 words"),
        ("sid", ["--trials", wrong, *audio], "1 recordings of the trials are not th"),
        (tmp_path / "bad/run", pair, f"{tmp_path / 'bad/run/calibration.json'} has"),
    ):
        code, out, [line] = fails(capsys, "verify", voices / source, *argv)
        assert (code, out) == (2, ""), message
        assert line.startswith(f"error: {message}"), line
