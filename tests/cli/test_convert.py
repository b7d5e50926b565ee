"""``xlsr-sb convert``: from each layout to each, what is said, and how it fails."""

import re

import pytest
import torch
import transformers

from tests.checkpoints.peers import fairseq_model, pretrained_content
from tests.checkpoints.pickles import harmful, zipped
from tests.cli.commands import fails
from tests.encoder.models import random_lobe
from tests.finished_run import finished_run
from xlsr_sb import XLSR
from xlsr_sb.checkpoints import LAYOUTS
from xlsr_sb.cli import main
from xlsr_sb.export import export_recogniser, load_transcriber


@pytest.mark.parametrize("source", LAYOUTS)
@pytest.mark.parametrize("target", LAYOUTS)
def test_each_to_each(tmp_path, capsys, source, target):
    """The encoder is the same to the last bit, and the number of parameters is told."""
    lobe = random_lobe()
    lobe.save_pretrained(tmp_path / "source", layout=source)
    given = ["--num-heads", "3"] if source == "torchaudio" else []
    new = tmp_path / "new"
    main(["convert", str(tmp_path / "source"), str(new), "--to", target, *given])
    out = capsys.readouterr().out
    has_mask = source != "torchaudio" and target != "torchaudio"
    count = sum(p.numel() for p in lobe.parameters())
    if not has_mask and target != "fairseq":  # which needs one, and gets one
        count -= lobe.config.dim
    assert f"encoder {count:,}" in out.splitlines()[-2]
    assert out.splitlines()[-1].startswith("verified: every tensor")
    overrides = {"num_heads": 3} if target == "torchaudio" else {}
    again = XLSR.from_pretrained(str(new), **overrides).state_dict()
    for name, tensor in lobe.state_dict().items():
        if name != "mask_embedding":
            assert torch.equal(again[name], tensor), name


@pytest.mark.parametrize("target", LAYOUTS)
@pytest.mark.parametrize(("name", "dtype"), [("fp16", "float16"), ("bf16", "bfloat16")])
def test_16_bits_take_half_the_space(tmp_path, target, name, dtype):
    """They are read back as fp32, rounded once."""
    lobe = random_lobe()
    lobe.save_pretrained(tmp_path / "source")
    sizes = {}
    for one in ("fp32", name):
        new = tmp_path / one
        main(
            ["convert", str(tmp_path / "source"), str(new)]
            + ["--to", target, "--dtype", one]
        )
        files = [file for file in new.iterdir() if file.stat().st_size > 20_000]
        sizes[one] = sum(file.stat().st_size for file in files)
    assert sizes[name] < 0.6 * sizes["fp32"]
    overrides = {"num_heads": 3} if target == "torchaudio" else {}
    again = XLSR.from_pretrained(str(tmp_path / name), **overrides).state_dict()
    for key, tensor in lobe.state_dict().items():
        if key != "mask_embedding":
            rounded = tensor.to(getattr(torch, dtype)).float()
            assert torch.equal(again[key], rounded), key


def test_transformers_computes_in_fp32_from_16_bits(tmp_path):
    """The configuration says so."""
    random_lobe().save_pretrained(tmp_path / "source")
    new = str(tmp_path / "new")
    words = ["convert", str(tmp_path / "source"), new]
    main([*words, "--to", "huggingface", "--dtype", "fp16"])
    model = transformers.Wav2Vec2Model.from_pretrained(new)
    assert {one.dtype for one in model.parameters()} == {torch.float32}


def test_numbers_too_large_for_16_bits(tmp_path, capsys):
    """Nothing is written; the tensor is named."""
    lobe = random_lobe()
    with torch.no_grad():
        lobe.feature_projection.bias[0] = 1e5
    lobe.save_pretrained(tmp_path / "source")
    words = ["convert", str(tmp_path / "source"), str(tmp_path / "new")]
    options = ["--to", "huggingface", "--dtype", "fp16"]
    code, _, errors = fails(capsys, *words, *options)
    assert code == 2
    assert "feature_projection.bias holds numbers up to 1e+05" in errors[-1]
    assert not (tmp_path / "new").exists()


def test_what_is_said(tmp_path, capsys):
    """Source, parts and their sizes, losses, result."""
    torch.save(pretrained_content(fairseq_model()), tmp_path / "a.pt")
    main(
        ["convert", str(tmp_path / "a.pt"), str(tmp_path / "b"), "--to", "huggingface"]
    )
    found = capsys.readouterr().out.splitlines()
    assert found[0].startswith(f"{tmp_path / 'a.pt'}: fairseq, ")
    written = f"{tmp_path / 'b'}: huggingface, fp32, "
    assert found[1].startswith(written)
    assert found[0].partition("fairseq, ")[2] == found[1].removeprefix(written)
    assert found[2] == (
        "verified: every tensor was read again and is the same, bit for bit"
    )
    model = transformers.Wav2Vec2ForPreTraining.from_pretrained(tmp_path / "b")
    count = sum(p.numel() for p in model.parameters())
    assert f"{count:,} parameters (encoder " in found[0]


def test_exported_recogniser_for_transformers(tmp_path, capsys):
    """A model trained here, with its head and vocabulary, as a folder for others."""
    exported = export_recogniser(finished_run(tmp_path / "run"), tmp_path / "exported")
    main(["convert", str(exported), str(tmp_path / "hf"), "--to", "huggingface"])
    assert "CTC head" in capsys.readouterr().out
    model = transformers.AutoModelForCTC.from_pretrained(tmp_path / "hf").eval()
    processor = transformers.AutoProcessor.from_pretrained(tmp_path / "hf")
    waveform = torch.randn(16_000) * 0.1
    inputs = processor(waveform.numpy(), sampling_rate=16_000, return_tensors="pt")
    with torch.no_grad():
        theirs = processor.batch_decode(model(**inputs).logits.argmax(dim=-1))
    ours = load_transcriber(exported).transcribe([waveform])
    assert [text.replace("⁇", "<unk>") for text in ours] == theirs
    assert len(ours[0]) > 5


def test_sizes_that_are_not_known(tmp_path, capsys):
    """The message names them, and the options give them."""
    content = {**pretrained_content(fairseq_model()), "cfg": None}
    torch.save(content, tmp_path / "a.pt")
    argv = ["convert", tmp_path / "a.pt", tmp_path / "b", "--to", "xlsr_sb"]
    code, _, errors = fails(capsys, *argv)
    assert (code, len(errors)) == (2, 1)
    assert "does not say conv_strides, num_heads" in errors[0]
    argv += ["--num-heads", "3", "--conv-strides", "5,2,2,2"]
    main([str(argument) for argument in argv])
    assert XLSR.from_pretrained(tmp_path / "b").config.num_heads == 3


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("there", "there exists already; remove it or give another target"),
        ("new.pt", "new.pt is to be a folder, .* Give .*new"),
        ("there/a.pth", "is to be a folder"),
    ],
)
def test_targets_that_are_refused(tmp_path, capsys, target, message):
    """Before anything is read."""
    (tmp_path / "there").mkdir()
    argv = ["convert", tmp_path / "nothing.pt", tmp_path / target, "--to", "fairseq"]
    code, out, errors = fails(capsys, *argv)
    assert (code, out, len(errors)) == (2, "", 1)
    assert re.search(message, errors[0])


@pytest.mark.parametrize("spoil", ["malicious", "cut short", "renamed", "reshaped"])
def test_bad_sources(tmp_path, capsys, monkeypatch, spoil):
    """One line each, no target, and no command runs."""
    monkeypatch.chdir(tmp_path)
    content = pretrained_content(fairseq_model())
    content["model"] = dict(content["model"])
    if spoil == "renamed":
        content["model"]["mask_emb2"] = content["model"].pop("mask_emb")
    if spoil == "reshaped":
        content["model"]["mask_emb"] = torch.ones(7)
    torch.save(content, "a.pt")
    data = (tmp_path / "a.pt").read_bytes()
    if spoil == "cut short":
        (tmp_path / "a.pt").write_bytes(data[:-1_000])
    if spoil == "malicious":
        (tmp_path / "a.pt").write_bytes(zipped(harmful("touch harmed")["os.system"]))
    code, out, errors = fails(capsys, "convert", "a.pt", "b", "--to", "huggingface")
    assert (code, out, len(errors)) == (2, "", 1)
    assert errors[0].startswith("error: a.pt ")
    assert [path.name for path in tmp_path.iterdir()] == ["a.pt"]


@pytest.mark.parametrize(
    "argv",
    [
        ["convert", "a", "b"],
        ["convert", "a", "b", "--to", "nemo"],
        ["convert", "a", "b", "--to", "fairseq", "--conv-strides", "a,b"],
    ],
)
def test_wrong_calls(argv, capsys):
    """End with usage."""
    code, _, errors = fails(capsys, *argv)
    assert code == 2
    assert errors[0].startswith("usage: xlsr-sb convert")


def test_hub_model_that_is_not_here(tmp_path, capsys):
    """One line that says what to do."""
    argv = ["convert", "nobody/model", tmp_path / "b", "--to", "fairseq"]
    code, _, errors = fails(capsys, *argv)
    assert (code, len(errors)) == (2, 1)
    assert "`hf download nobody/model`" in errors[0]
