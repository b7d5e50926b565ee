"""``xlsr-sb identify``: what is printed, what is written, how it ends.

Seen to fail: answers before all windows of a recording are computed.
"""

import csv
import json

import numpy as np
import pytest
import soundfile

from tests.cli.commands import fails
from tests.finished_classification import NAMES, finished_classification
from tests.finished_run import noise
from xlsr_sb.cli import main
from xlsr_sb.data.audio import load_audio
from xlsr_sb.export import export_classifier, load_classifier
from xlsr_sb.identification import identifying
from xlsr_sb.transcription import batches


@pytest.fixture(scope="module")
def lid(tmp_path_factory):
    """Folder of a finished run."""
    return finished_classification(tmp_path_factory.mktemp("runs") / "toy")


@pytest.fixture
def speech(tmp_path):
    """Folder of recordings, one of them long."""
    lengths = {"b.wav": 9_000, "x/a.wav": 16_000, "x/long.wav": 100_000}
    for name, count in lengths.items():
        (tmp_path / "speech" / name).parent.mkdir(parents=True, exist_ok=True)
        noise(tmp_path / "speech" / name, count, seed=count)
    return tmp_path / "speech"


def run_main(*argv):
    """Run the command."""
    main(["identify", *map(str, argv)])


def wanted_line(classifier, waveforms, top=3):
    """Labels and probabilities, of the mean over waveforms."""
    mean = classifier.probabilities(waveforms).double().mean(dim=0)
    best = mean.argsort(descending=True, stable=True)[:top].tolist()
    return [
        (classifier.labels[i], pytest.approx(mean[i].item(), abs=2e-4)) for i in best
    ]


def read_line(line):
    """Path, then pairs of label and probability."""
    path, *cells = line.split("\t")
    return path, [
        (label, float(value))
        for label, value in zip(cells[::2], cells[1::2], strict=True)
    ]


def test_lines(lid, speech, capsys):
    """The likeliest classes, the best first; of a long recording by its windows."""
    classifier = load_classifier(lid)
    argv = ["--window-seconds", "2", "--hop-seconds", "2"]
    run_main(lid, speech, *argv)
    lines = [read_line(one) for one in capsys.readouterr().out.splitlines()]
    paths = [speech / name for name in ("b.wav", "x/a.wav", "x/long.wav")]
    assert [path for path, _ in lines] == list(map(str, paths))
    for path, (_, found) in zip(paths[:2], lines[:2], strict=True):
        assert found == wanted_line(classifier, [load_audio(path)])
    long = load_audio(paths[2])
    windows = [*long[:96_000].split(32_000), long[-32_000:]]
    assert lines[2][1] == wanted_line(classifier, windows)
    run_main(lid, paths[0], "--top", "99")
    _, found = read_line(capsys.readouterr().out.rstrip("\n"))
    assert {label for label, _ in found} == set(NAMES)
    assert sum(value for _, value in found) == pytest.approx(1, abs=1e-3)


def test_timeline_leaves_silence_out(lid, tmp_path, capsys, monkeypatch):
    """In all formats; by default of long recordings."""
    monkeypatch.setattr(identifying, "LONG_SECONDS", 20.0)
    windows = ["--window-seconds", "4", "--hop-seconds", "2"]
    generator = np.random.default_rng(0)
    samples = 0.1 * generator.standard_normal(24 * 8_000)
    samples[8 * 8_000 : 17 * 8_000] = 0.0
    path = tmp_path / "talk.flac"
    soundfile.write(path, samples, 8_000)
    for argv in ([], ["--timeline"], ["--no-timeline"]):
        run_main(lid, path, *windows, *argv, "--format", "json")
        known = json.loads(capsys.readouterr().out)
        assert list(known) == [
            *["name", "audio", "seconds", "kind", "best", "timeline"],
        ]
        assert (known["seconds"], known["kind"]) == (24.0, "language")
        if "--no-timeline" in argv:
            assert known["timeline"] == []
            continue
        timeline = known["timeline"]
        assert (timeline[0]["start"], timeline[-1]["end"]) == (0.0, 24.0)
        ends = [one["end"] for one in timeline if one["end"] < 17]
        starts = [one["start"] for one in timeline if one["start"] > 7.5]
        assert ends[-1] == pytest.approx(8, abs=0.02)
        assert starts[0] == pytest.approx(17, abs=0.02)
        assert all(one["label"] in NAMES for one in timeline)
    run_main(lid, path, *windows, "--format", "csv")
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert [row["part"] for row in rows].count("whole") == 3
    stretches = [row for row in rows if row["part"] == "stretch"]
    assert [
        (float(row["start"]), float(row["end"]), row["label"]) for row in stretches
    ] == [(one["start"], one["end"], one["label"]) for one in timeline]
    run_main(lid, path, *windows)
    first, *others = capsys.readouterr().out.splitlines()
    assert read_line(first)[0] == str(path)
    assert [line.split("\t")[3] for line in others] == [
        one["label"] for one in timeline
    ]


def test_folder_is_filled_bit_by_bit(lid, speech, tmp_path, capsys):
    """What is there is left; what would be made otherwise is refused."""
    out = tmp_path / "out"
    argv = [lid, speech, "--output", out, "--format", "txt", "json", "csv"]
    run_main(*argv)
    assert "3 identified, 0 there already, 0 cannot" in capsys.readouterr().out
    names = {str(path.relative_to(out)) for path in out.rglob("[!.]*.*")}
    stems = ("b", "x/a", "x/long")
    assert names == {
        f"{stem}.{end}" for stem in stems for end in ("txt", "json", "csv")
    }
    before = (out / "x/a.json").read_text()
    assert json.loads(before)["audio"] == str(speech / "x/a.wav")
    (out / "x/a.json").unlink()
    (out / "b.txt").write_text("mine")
    run_main(*argv)
    assert "1 identified, 2 there already" in capsys.readouterr().out
    assert (out / "x/a.json").read_text() == before
    assert (out / "b.txt").read_text() == "mine"
    code, _, [line] = fails(capsys, "identify", *argv, "--top", "2")
    assert (code, "give another folder" in line) == (2, True)


def test_batches_and_unreadable_files(lid, speech, capsys, monkeypatch):
    """The same whatever is computed together; the others go on."""
    (speech / "bad.wav").write_text("no audio")
    noise(speech / "short.wav", 300)
    soundfile.write(speech / "silent.wav", np.zeros(50_000), 16_000)
    found = []
    for seconds in (60.0, 2.0):
        monkeypatch.setattr(batches, "SECONDS_PER_BATCH", seconds)
        argv = [lid, speech, "--window-seconds", "1", "--hop-seconds", "1"]
        code, out, errors = fails(capsys, "identify", *argv)
        assert code == 1
        found.append([read_line(line) for line in out.splitlines()])
        assert len(errors) == 3
        assert all(line.startswith("error: ") for line in errors)
        said = "\n".join(errors)
        assert "bad.wav cannot be read as audio" in said
        assert "short.wav has 300 samples" in said
        assert "silent.wav is silent" in said
    first, second = found
    assert [path.rpartition("/")[2] for path, _ in first] == [
        *["b.wav", "a.wav", "long.wav"],
    ]
    for (path, one), (other_path, other) in zip(first, second, strict=True):
        assert path == other_path
        assert [label for label, _ in one] == [label for label, _ in other]
        assert dict(one) == pytest.approx(dict(other), abs=2e-4)


def test_an_exported_folder_answers_alike(speech, tmp_path, capsys):
    """And so does one for transformers alone."""
    linear = finished_classification(tmp_path / "run", activation="identity")
    sources = [linear, export_classifier(linear, tmp_path / "out")]
    sources.append(export_classifier(linear, tmp_path / "hf", layout="huggingface"))
    texts = []
    for source in sources:
        run_main(source, speech / "b.wav")
        texts.append(capsys.readouterr().out)
    assert len(set(texts)) == 1


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--top", "0"], "top must be at least 1"),
        (["--hop-seconds", "20"], "hop-seconds must be from 1.0 to window-seconds"),
        (["--format", "txt", "json"], "several formats need a folder"),
    ],
)
def test_arguments_that_cannot_be(lid, speech, capsys, argv, message):
    """One line, before anything is computed."""
    code, out, [line] = fails(capsys, "identify", lid, speech, *argv)
    assert (code, out) == (2, "")
    assert line.startswith(f"error: {message}")


def test_a_model_without_classes(run, speech, capsys):
    """A recognition run is named as one."""
    code, _, [line] = fails(capsys, "identify", run, speech)
    assert code == 2
    assert "is not the folder of a classification run: no classes.json" in line
