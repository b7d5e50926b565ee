"""``xlsr-sb translate``: what is printed, what is written, how it ends."""

import json

import pytest
import soundfile
import torch

from tests.cli.commands import fails
from tests.finished_run import noise
from tests.finished_translation import finished_translation, modules
from xlsr_sb.cli import main
from xlsr_sb.data.audio import load_audio
from xlsr_sb.data.subwords import SubwordTokeniser
from xlsr_sb.export import load_translator
from xlsr_sb.transcription import batches


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Folder of a finished run with two targets."""
    folder = tmp_path_factory.mktemp("runs") / "toy"
    return finished_translation(folder, targets=("en", "zh"))


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
    main(["translate", *map(str, argv)])


def contents(folder):
    """Text of all files that are not hidden, by path inside of the folder."""
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in folder.rglob("[!.]*")
        if path.is_file()
    }


def test_lines_and_targets(run, speech, capsys):
    """Each file's path and its translation, by a target's code or its region's."""
    translator = load_translator(run)
    waveforms = [load_audio(speech / name) for name in ("b.wav", "x/a.wav")]
    for to, named in (("en", "en"), ("zh-CN", "zh")):
        run_main(run, speech / "b.wav", speech / "x/a.wav", "--to", to)
        lines = [one.split("\t") for one in capsys.readouterr().out.splitlines()]
        assert [text for _, text in lines] == (
            translator.translate(waveforms, to=named)
        )
        assert [path for path, _ in lines] == [
            str(speech / "b.wav"),
            str(speech / "x/a.wav"),
        ]


def test_files_of_all_formats(run, speech, tmp_path, capsys):
    """Long recordings in pieces; subtitles inside of the recording."""
    out = tmp_path / "out"
    argv = [run, speech, "--to", "en", "--piece-seconds", "2", "--output", out]
    formats = ["--format", "txt", "json", "srt", "vtt"]
    run_main(*argv, *formats)
    assert "3 translated, 0 there already, 0 cannot" in capsys.readouterr().out
    found = contents(out)
    names = ("b", "x/a", "x/long")
    ends = ("json", "srt", "txt", "vtt")
    assert found.keys() == {f"{name}.{end}" for name in names for end in ends}
    known = json.loads(found["x/long.json"])
    assert list(known) == ["name", "audio", "seconds", "language", "text", "pieces"]
    assert (known["seconds"], known["language"]) == (6.25, "en")
    ends = [piece["end"] for piece in known["pieces"]]
    assert [piece["start"] for piece in known["pieces"]] == [0.0, *ends[:-1]]
    assert ends[-1] == 6.25
    assert len(ends) > 3
    texts = [piece["text"] for piece in known["pieces"]]
    waveform = load_audio(speech / "x/long.wav")
    cuts = [round(end * 16_000) for end in ends]
    pieces = [waveform[a:b] for a, b in zip([0, *cuts], cuts, strict=False)]
    assert texts == load_translator(run).translate(pieces, to="en")
    assert known["text"] == " ".join(text for text in texts if text)
    assert found["x/long.txt"] == known["text"] + "\n"
    shown = found["x/long.srt"].replace("\n", " ").replace("  ", " ")
    assert all(word in shown for word in known["text"].split())
    assert found["x/long.srt"].count(" --> ") == found["x/long.vtt"].count(" --> ") > 0


def test_what_is_there_is_left(run, speech, tmp_path, capsys):
    """Other settings need another folder."""
    out, table = tmp_path / "out", tmp_path / "a.csv"
    argv = [run, speech, "--to", "en", "--output", out, "--csv", table]
    run_main(*argv)
    (out / "b.txt").write_text("mended by hand\n")
    (out / "x/a.txt").unlink()
    run_main(*argv)
    assert "1 translated, 2 there already, 0 cannot" in capsys.readouterr().out
    assert table.read_text().splitlines()[1] == f"{speech / 'b.wav'},mended by hand"
    for other in (
        ["--to", "zh"],
        ["--to", "en", "--piece-seconds", "20"],
        ["--to", "en", "--beam-size", "2"],
        ["--to", "en", "--max-tokens", "9"],
        ["--to", "en", "--length-penalty", "0.5"],
        ["--to", "en", "--no-repeat-ngram", "2"],
    ):
        code, _, errors = fails(
            capsys, "translate", run, speech, "--output", out, *other
        )
        assert (code, len(errors)) == (2, 1)
        assert "holds transcripts made with" in errors[0]


def test_options_of_the_search(run, speech, capsys):
    """They are those of ``generate``."""
    translator = load_translator(run)
    waveform = load_audio(speech / "x/a.wav")[None]
    options = {"beam_size": 2, "max_tokens": 12, "no_repeat_ngram": 1}
    options["length_penalty"] = 3.0
    tokens = translator.model.generate(
        waveform, prefix_tokens=[translator.targets["zh"]], **options
    )
    words = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    run_main(run, speech / "x/a.wav", "--to", "zh", *words)
    text = capsys.readouterr().out.rstrip("\n").split("\t")[1]
    assert text == translator.tokeniser.decode(tokens[0])
    assert text


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "this model translates into en, zh; no language was named"),
        (["--to", "fr"], "this model translates into en, zh; not into 'fr'"),
        (["--to", "?"], "'?' is no code of a language"),
        (["--to", "en", "--piece-seconds", "0.5"], "piece-seconds must be at least 1"),
        (["--to", "en", "--piece-seconds", "nan"], "piece-seconds must be at least 1"),
        (["--to", "en", "--beam-size", "0"], "decoding: beam_size is 0; it must be"),
        (["--to", "en", "--max-tokens", "31"], "max_tokens is 31; for this model it"),
        (["--to", "en", "--max-tokens", "1"], "max_tokens is 1; for this model it"),
        (["--to", "en", "--format", "srt"], "--format srt needs a folder"),
    ],
)
def test_arguments_that_cannot_be(run, speech, argv, message, capsys):
    """One line, before anything is computed."""
    code, out, errors = fails(capsys, "translate", run, speech, *argv)
    assert (code, out, len(errors)) == (2, "", 1)
    assert errors[0].startswith(f"error: {message}")


def test_source_that_is_no_translator(speech, tmp_path, capsys):
    """A folder without a model; a run of something else."""
    (tmp_path / "save").mkdir()
    for source, said in ((speech, "no config.json"), (tmp_path, "translation run")):
        code, _, errors = fails(capsys, "translate", source, speech, "--to", "en")
        assert (code, len(errors)) == (2, 1)
        assert said in errors[0]


def test_bad_files_do_not_stop_the_others(run, speech, tmp_path, capsys, monkeypatch):
    """Also those that end in their midst, when others wait in the batch."""
    path = tmp_path / "speech/x/cut.flac"
    samples = 0.2 * torch.randn(80_000).numpy()
    soundfile.write(path, samples, 16_000)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    (speech / "x/none.wav").write_text("no audio")
    argv = ["translate", run, speech, "--to", "en", "--piece-seconds", "1"]
    for seconds in (60.0, 2.0):
        monkeypatch.setattr(batches, "SECONDS_PER_BATCH", seconds)
        code, out, errors = fails(capsys, *argv)
        assert code == 1
        assert [
            line.split("\t")[0].rpartition("/")[2] for line in out.splitlines()
        ] == [*["b.wav", "a.wav", "long.wav"]]
        assert len(errors) == 2


def test_released_checkpoint(run, speech, tmp_path, capsys):
    """Without a file of ours: targets by the folder's name."""
    translator = load_translator(run)
    folder = tmp_path / "wav2vec2-xls-r-300m-21-to-en"
    own = SubwordTokeniser(translator.tokeniser.model)
    type(translator.model)(**modules(20, own.vocab_size)).save_pretrained(folder)
    own.save(folder)
    run_main(folder, speech / "b.wav", "--max-tokens", "12")
    found = load_translator(folder).model.generate(
        load_audio(speech / "b.wav")[None],
        prefix_tokens=[own.language_id("en")],
        max_tokens=12,
    )
    text = capsys.readouterr().out.rstrip("\n").split("\t")[1]
    assert text == own.decode(found[0])
    code, _, errors = fails(
        capsys, "translate", folder, speech, "--to", "de", "--max-tokens", "12"
    )
    assert (code, errors) == (
        2,
        ["error: this model translates into en; not into 'de'"],
    )
