"""What users get wrong, in whole runs: one clear error, exit code 2, nothing lost."""

import csv
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from tests.corpus import COLUMNS, make_corpus, sing
from xlsr_sb.data.sampling import UpdatePlan
from xlsr_sb.lengths import SAMPLE_RATE

SEED, SECONDS_PER_UPDATE = 1, 3.0


@dataclass
class Workplace:
    """A corpus of one's own, which may be spoilt, and runs on it.

    Parameters
    ----------
    launcher : Launcher
    folder : Path
        Takes the corpus and the runs.
    source : Path
        The very small encoder.
    """

    launcher: object
    folder: Path
    source: Path

    def __post_init__(self):
        self.corpus = make_corpus(self.folder / "corpus")

    def wav(self, index):
        """Path of a training clip."""
        return Path(self.corpus.splits["train"][index].wav)

    def rows(self, name="train"):
        """Cells of a list, its column names first."""
        with self.list(name).open(newline="") as file:
            return list(csv.reader(file))

    def list(self, name="train"):
        """Path of a list."""
        return self.corpus.folder / f"{name}.csv"

    def rewrite(self, rows, name="train"):
        """Write a list anew."""
        with self.list(name).open("w", newline="") as file:
            csv.writer(file).writerows(rows)

    def start(self, *options, output="run", num_updates=6, **how):
        """Start a run; options come after the usual ones and win over them."""
        usual = {
            "--optim.num_updates": num_updates,
            "--optim.checkpoint_every_minutes": 1000,
            "--data.seconds_per_update": SECONDS_PER_UPDATE,
            "--encoder.source": self.source,
            "--output_folder": self.folder / output,
            "--seed": SEED,
        }
        words = [word for pair in usual.items() for word in pair]
        return self.launcher.start(
            *["hparams/tiny.yaml", "--noprogressbar", *self.corpus.options, *words],
            *options,
            **how,
        )

    def error(self, *options, **how):
        """The one error of a run that must fail."""
        run = self.start(*options, **how)
        assert run.wait() == 2, run.err
        assert "Traceback" not in run.err
        assert "Logging error" not in run.err
        assert run.err.count("error:") == 1
        return run.err.partition("error: ")[2]

    def succeeds(self, *options, **how):
        """A run that must not fail."""
        run = self.start(*options, **how)
        assert run.wait() == 0, run.err
        assert "Traceback" not in run.err
        return run

    def state(self, output="run"):
        """Weights of the newest checkpoint, by its number of updates."""
        paths = (self.folder / output / "save").glob("CKPT+*/progress.ckpt")
        states = {torch.load(path)["update"]: path.parent for path in paths}
        newest = max(states)
        return newest, torch.load(states[newest] / "encoder.ckpt")


@pytest.fixture
def work(launcher, encoder_folder, tmp_path):
    """A corpus to spoil."""
    return Workplace(launcher, tmp_path, encoder_folder)


# Recordings and lists, found before anything is trained


def remove(path):
    """No file."""
    path.unlink()


def make_text(path):
    """Not audio."""
    path.write_text("not audio at all\n" * 100)


def make_empty(path):
    """No bytes."""
    path.write_bytes(b"")


def make_silent(path):
    """A header and no samples."""
    soundfile.write(path, np.zeros(0), SAMPLE_RATE)


def make_short(path):
    """Fewer samples than one frame is computed from."""
    soundfile.write(path, np.zeros(399), SAMPLE_RATE)


def cut(path):
    """The first half of a file."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (remove, "there is no such file"),
        (make_text, "cannot be read as audio"),
        (make_empty, "is an empty file"),
        (make_silent, "holds no samples"),
        (make_short, "at least 0.025 s are needed"),
        (cut, "is truncated"),
    ],
)
def test_a_recording_that_cannot_be_used(work, spoil, words):
    """The list, its line, the file, what is wrong with it; no model is built."""
    spoil(work.wav(3))
    said = work.error()
    place = re.escape(f"{work.list()}, line 5: {work.wav(3)}")
    assert re.search(place + ".*" + re.escape(words), said), said
    assert "--skip_bad True" in said
    assert not (work.folder / "run" / "save").exists()


def test_several_are_told_at_once_and_can_be_left_out(work):
    """Also a list of another split; the count of what was left out is printed."""
    make_text(work.wav(0))
    remove(work.wav(4))
    said = work.error()
    assert said.startswith("2 rows cannot be used:")
    assert "line 2:" in said
    assert "line 6:" in said
    run = work.succeeds("--skip_bad", "True", num_updates=1)
    assert re.search(r"train\.csv +10 .* 2 that cannot be read", run.out)


def without_text(rows):
    """The column is called otherwise."""
    return [[*rows[0][:2], "words", rows[0][3]], *rows[1:]]


def twice(rows):
    """One id for two clips."""
    return [*rows[:3], [rows[2][0], *rows[3][1:]], *rows[4:]]


def too_wide(rows):
    """A text with a comma and without quotes."""
    return [*rows[:4], [*rows[4], "more"], *rows[5:]]


def punctuation(rows):
    """No transcript has a letter."""
    return [rows[0], *([*row[:2], "?!", row[3]] for row in rows[1:])]


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("train", lambda _: [], r"train\.csv is empty; its first line must name"),
        ("train", lambda _: [COLUMNS], r"train\.csv is empty; it must list at least"),
        ("train", without_text, r"no column for the text; call it one of \('text'"),
        ("train", twice, r"line 4: the ID 'bb-01' stands above already"),
        ("train", too_wide, r"train\.csv, line 5: 5 values for 4 columns"),
        ("train", punctuation, r"no training utterance is left: all are without text"),
        ("dev", punctuation, r"dev: none of its 4 utterances has a transcript"),
        ("test", punctuation, r"test: none of its 4 utterances has a transcript"),
    ],
)
def test_a_list_that_cannot_be_used(work, name, change, words):
    """The list and the line."""
    work.rewrite(change(work.rows(name)), name)
    said = work.error()
    assert re.search(words, said), said


def test_other_rates_and_channels_are_accepted(work):
    """Stereo, 8, 44.1 and 48 kHz."""
    for index, rate in enumerate([8_000, 44_100, 48_000]):
        samples, _ = soundfile.read(work.wav(index))
        seconds = len(samples) / SAMPLE_RATE
        channels = np.stack([samples, samples], axis=1)[: round(seconds * rate)]
        soundfile.write(work.wav(index), channels, rate)
    work.succeeds(num_updates=1)


# Transcripts


def test_characters_that_training_never_saw(work):
    """In dev and test: counted by character, and no reason to stop."""
    for name in ("dev", "test"):
        rows = work.rows(name)
        rows[1][2], rows[2][2] = "žaba žžx", "ß"
        work.rewrite(rows, name)
    run = work.succeeds(num_updates=1)
    words = "characters are not in the vocabulary and count as errors: 'ž' 3, 'x' 1"
    assert f"dev: 5 {words}, 'ß' 1" in run.err
    assert f"test: 5 {words}, 'ß' 1" in run.err
    assert "train: " not in run.err


def test_a_language_without_text_in_the_test_set(work):
    """Has no error rate; the others and the whole have theirs."""
    rows = work.rows("test")
    work.rewrite(
        [[*row[:2], "" if row[3] == "bb" else row[2], row[3]] for row in rows], "test"
    )
    run = work.succeeds(num_updates=1)
    groups = re.findall(r"^(aa|bb|all) +\d", run.out, re.M)
    assert groups == ["aa", "all"]


# Settings


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--lr", "1"], r"lr"),
        (["--optim.num_update", "3"], r"num_update\b.*num_updates"),
        (["--encoder.droput", "0.1"], r"droput.*dropout"),
        (["--csv", "no/such.csv"], r"no/such\.csv cannot be read: No such file"),
        (["--optim.max_grad_norm", "0"], r"max_grad_norm is 0; it must be a number"),
        (["--optim.warmup_ratio", "0.9"], r"must be shares that sum to 1"),
        (["--optim.precision", "fp16"], r"fp16 needs a GPU; on a CPU use bf16 or fp32"),
        (["--precision", "fp16"], r"fp16 needs a GPU"),
        (["--eval_precision", "fp16"], r"fp16 needs a GPU"),
        (["--optim.precision", "fp8"], r"auto or one of .*bf16.*got 'fp8'"),
        (["--optim.validate_every_updates", "x"], r"is 'x'; it must be a whole number"),
        (["--seed", "-1"], r"seed must be a whole number of at least 0, got -1"),
        (["--encoder.source", "no/such"], r"source 'no/such' is no folder here"),
        (["--data.seconds_per_device", "1"], r"at most seconds_per_device, 1 s"),
        (["--max_grad_norm", "1"], r"no effect here; use --optim\.max_grad_norm"),
    ],
)
def test_a_setting_that_cannot_be_used(work, options, words):
    """What was given, and what may be."""
    said = work.error(*options)
    assert re.search(words, said, re.S), said


def test_a_file_of_settings_that_is_not_there(work):
    """Or lacks a required value."""
    run = work.launcher.start("hparams/none.yaml")
    assert run.wait() == 2
    assert re.search("^error: .*hparams/none.yaml", run.err)
    options = ["--output_folder", work.folder / "run"]
    run = work.launcher.start("hparams/tiny.yaml", *options)
    assert run.wait() == 2
    assert re.search("^error: .*csv", run.err)
    assert "Traceback" not in run.err


@pytest.mark.parametrize("option", [[], ["--precision", "bf16"]])
def test_precision_is_that_of_the_settings(work, option):
    """It reaches SpeechBrain's Brain; the command line's own option wins."""
    work.succeeds("--optim.precision", "bf16" if not option else "fp32", *option)
    log = (work.folder / "run" / "log.txt").read_text()
    assert "Using training precision: `--precision=bf16`" in log


def test_an_output_folder_that_cannot_be_written(work):
    """It is named, with the reason."""
    (work.folder / "file").write_text("")
    said = work.error("--output_folder", work.folder / "file" / "run")
    assert said.startswith(f"output_folder {work.folder / 'file' / 'run'} cannot be ")
    assert "Not a directory" in said


# In mid-run


def last_of_the_first_epoch(work):
    """Number of the update that comes last, and the index of a clip in it."""
    plan = UpdatePlan(
        [one.duration for one in work.corpus.splits["train"]],
        seconds_per_update=SECONDS_PER_UPDATE,
        seconds_per_device=16.0,
        seed=SEED,
    )
    *before, ((index, *_),) = plan.epoch(0)
    return len(before), index


def test_nan_samples_are_found_when_they_are_read(work):
    """The utterance is named, the run saved; mended, it ends as if nothing had been."""
    done, index = last_of_the_first_epoch(work)
    assert done >= 3
    path = work.wav(index)
    good, _ = soundfile.read(path, dtype="float32")
    work.succeeds(output="clean")
    bad = good.copy()
    bad[100:110] = np.nan
    soundfile.write(path, bad, SAMPLE_RATE, subtype="FLOAT")
    said = work.error()
    name = work.corpus.splits["train"][index].id
    assert re.search(rf"^utterance '{name}': .*sample 100 is nan", said)
    assert work.state()[0] == done
    soundfile.write(path, good, SAMPLE_RATE, subtype="FLOAT")
    work.succeeds()
    log = (work.folder / "run" / "log.txt").read_text()
    assert f"resumed at update {done}" in log
    updates, found = work.state()
    assert updates == 6
    wanted = work.state("clean")[1]
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)


def test_nan_samples_left_out_of_the_list(work):
    """The other way to mend it: the list is read anew when it has changed."""
    done, index = last_of_the_first_epoch(work)
    samples, _ = soundfile.read(work.wav(index))
    samples[:] = np.nan
    soundfile.write(work.wav(index), samples, SAMPLE_RATE, subtype="FLOAT")
    work.error()
    rows = work.rows()
    del rows[1 + index]
    work.rewrite(rows)
    run = work.succeeds()
    assert "prepared anew" in run.err
    assert re.search(r"train\.csv +11 ", run.out)
    assert work.state()[0] == 6


def test_a_recording_that_is_gone_in_mid_run(work):
    """Between the preparation and its turn."""
    work.succeeds(num_updates=1)
    _, index = last_of_the_first_epoch(work)
    work.wav(index).unlink()
    said = work.error()
    assert "there is no such file" in said
    soundfile.write(work.wav(index), sing("ab", seed=1), SAMPLE_RATE)
    work.succeeds()


def test_a_full_disk(work):
    """No file can grow: one error with what to do, the checkpoint before untouched."""
    work.succeeds(num_updates=2)
    updates, before = work.state()
    said = work.error(max_file_bytes=60_000)
    assert re.search(r"^cannot save a checkpoint in .*: File too large \(\d+ MB", said)
    assert "it resumes from CKPT+" in said
    names = [path.name for path in (work.folder / "run" / "save").iterdir()]
    assert all(name.startswith("CKPT+") for name in names)
    assert (updates, before.keys()) == (2, work.state()[1].keys())
    assert all(torch.equal(before[name], work.state()[1][name]) for name in before)
    work.succeeds()
    assert work.state()[0] == 6


def test_a_disk_on_which_nothing_can_be_written(work):
    """Not even the log."""
    said = work.error(max_file_bytes=1_000)
    assert said.startswith(f"output_folder {work.folder / 'run'} cannot be written: ")
    shutil.rmtree(work.folder / "run")
    work.succeeds(num_updates=2)
    with (work.folder / "run" / "log.txt").open("a") as log:
        log.write("-" * 20_000)
    said = work.error(max_file_bytes=20_000)
    assert said.startswith("cannot save a checkpoint")
    assert (work.folder / "run" / "log.txt").read_text().endswith("-")
