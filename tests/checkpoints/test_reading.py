"""Which layout a source has; where it is; and sources that are none."""

import shutil
from pathlib import Path

import huggingface_hub
import pytest
import torch
from huggingface_hub import constants

from tests.checkpoints.peers import fairseq_model, hf_model, pretrained_content
from tests.encoder.models import random_lobe
from tests.finished_run import VOCABULARY, finished_run
from xlsr_sb import XLSR
from xlsr_sb.checkpoints import LAYOUTS, read_checkpoint
from xlsr_sb.checkpoints.hub import locate
from xlsr_sb.errors import InputError
from xlsr_sb.export import export_recogniser


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_recognised(tmp_path, layout):
    """And has the same weights."""
    lobe = random_lobe()
    lobe.save_pretrained(tmp_path / "new", layout=layout)
    given = {"num_heads": 3} if layout == "torchaudio" else {}
    checkpoint = read_checkpoint(tmp_path / "new", given)
    assert checkpoint.layout == layout
    assert checkpoint.sizes["conv_strides"] == lobe.config.conv_strides
    again = XLSR.from_pretrained(tmp_path / "new", **given).state_dict()
    for name, tensor in lobe.state_dict().items():
        is_drawn = layout == "torchaudio" and name == "mask_embedding"
        assert is_drawn or torch.equal(again[name], tensor), name


def test_no_such_layout(tmp_path):
    """The message lists those that there are."""
    with pytest.raises(InputError, match="no layout 'nemo'; there are .*'fairseq'"):
        random_lobe().save_pretrained(tmp_path, layout="nemo")


def test_exported_recogniser_comes_with_its_head(tmp_path):
    """And its vocabulary, as it is."""
    exported = export_recogniser(finished_run(tmp_path / "run"), tmp_path / "exported")
    checkpoint = read_checkpoint(exported)
    assert checkpoint.head_names == ("ctc",)
    assert checkpoint.vocabulary.tokens == VOCABULARY.tokens
    ids = [5, 2, 2, 7, 6]
    assert checkpoint.vocabulary.decode(ids) == VOCABULARY.decode(ids)
    (exported / "head.ckpt").unlink()
    assert read_checkpoint(exported).head_names == ()


def test_folder_of_a_run(tmp_path):
    """It says what makes a model of it."""
    with pytest.raises(
        InputError, match="folder of a run; `xlsr-sb export` makes a mo"
    ):
        read_checkpoint(finished_run(tmp_path / "run"))


def test_a_lone_file_without_sizes(tmp_path):
    """Of transformers' tensors, in both kinds; the message asks for the folder."""
    hf_model().save_pretrained(tmp_path)
    with pytest.raises(InputError, match="no sizes; give its folder, with config.json"):
        read_checkpoint(tmp_path / "model.safetensors")
    torch.save(hf_model().state_dict(), tmp_path / "pytorch_model.bin")
    with pytest.raises(InputError, match="without sizes; give its folder, with config"):
        read_checkpoint(tmp_path / "pytorch_model.bin")


@pytest.mark.parametrize("content", [{"weight": torch.ones(2)}, [1], {}, 3])
def test_other_files_of_pytorch(tmp_path, content):
    """Neither fairseq's nor torchaudio's."""
    torch.save(content, tmp_path / "a.pt")
    with pytest.raises(InputError, match="neither a file of fairseq"):
        read_checkpoint(tmp_path / "a.pt")


def test_damaged_safetensors(tmp_path):
    """Named."""
    random_lobe().save_pretrained(tmp_path, layout="xlsr_sb")
    path = tmp_path / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(InputError, match=r"model\.safetensors is damaged or cut short"):
        read_checkpoint(tmp_path)


# The hub


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Cache of the hub with a model of somebody in it."""
    folder = tmp_path / "cache" / "models--somebody--speech"
    snapshot = folder / "snapshots" / "0123abcd"
    hf_model("Wav2Vec2ForCTC").save_pretrained(snapshot)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("0123abcd")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    return snapshot


def test_model_in_the_cache(cache):
    """No network is needed, nor asked: tests refuse every connection."""
    assert locate("somebody/speech") == cache
    assert read_checkpoint("somebody/speech").head_names == ("ctc",)


def test_pickled_model_in_the_cache(cache):
    """As older models are."""
    torch.save(hf_model().state_dict(), cache / "pytorch_model.bin")
    (cache / "model.safetensors").unlink()
    assert XLSR.from_pretrained("somebody/speech").config.dim == 32


@pytest.mark.usefixtures("cache")
def test_model_that_is_not_in_the_cache():
    """The message says what can be done."""
    with pytest.raises(InputError, match="is no folder here, and the hub did not") as e:
        read_checkpoint("nobody/speech")
    assert "`hf download nobody/speech` where there is a network" in str(e.value)


def test_only_what_is_needed_is_downloaded(tmp_path, monkeypatch):
    """Weights once: pickled ones only where there are no others, never optimisers."""
    asked = []

    def download(model, allow_patterns):
        asked.append(allow_patterns)
        folder = tmp_path / model.replace("/", "-")
        folder.mkdir(exist_ok=True)
        if model == "new/model":
            shutil.copy(__file__, folder / "model.safetensors.index.json")
        return str(folder)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    locate("new/model")
    assert len(asked) == 1
    locate("old/model")
    assert len(asked) == 3
    names = ["config.json", "vocab.json", "preprocessor_config.json"]
    assert all(name in patterns for name in names for patterns in asked)
    matched = {pattern for patterns in asked for pattern in patterns if "*" in pattern}
    assert matched == {"model-*-of-*.safetensors", "pytorch_model-*-of-*.bin"}


@pytest.mark.parametrize(
    "source", ["a/b/c", "model.pt", "x/model.pth", "/no/where", "a b"]
)
def test_what_can_be_no_hub_id(source):
    """Nobody is asked for it."""
    with pytest.raises(InputError, match=f"'{source}' does not exist"):
        locate(source)


def test_a_file_is_given_by_its_path(tmp_path, monkeypatch):
    """Relative to where one is, too."""
    torch.save(pretrained_content(fairseq_model()), tmp_path / "a.pt")
    monkeypatch.chdir(tmp_path)
    assert read_checkpoint("a.pt").source == "a.pt"
    assert read_checkpoint(Path("a.pt")).layout == "fairseq"
