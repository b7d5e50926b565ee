"""Configuration of transformers' speech translation models, from and to our fields."""

from collections.abc import Mapping
from pathlib import Path

from xlsr_sb.checkpoints.weights import read_json
from xlsr_sb.errors import InputError

CONFIG, GENERATION = "config.json", "generation_config.json"
MODEL_TYPE, ARCHITECTURE = "speech-encoder-decoder", "SpeechEncoderDecoderModel"
SIZES = {  # our field: theirs, of the decoder
    "vocab_size": "vocab_size",
    "dim": "d_model",
    "ffn_dim": "decoder_ffn_dim",
    "num_heads": "decoder_attention_heads",
    "num_layers": "decoder_layers",
    "max_positions": "max_position_embeddings",
}
OPTIONS = {  # our field: theirs, and what it is where they say nothing
    "activation": ("activation_function", "gelu"),
    "scale_embeddings": ("scale_embedding", False),
    "tied_embeddings": ("tie_word_embeddings", True),
    "dropout": ("dropout", 0.1),
    "attention_dropout": ("attention_dropout", 0.0),
    "activation_dropout": ("activation_dropout", 0.0),
    "layerdrop": ("decoder_layerdrop", 0.0),
}
TOKENS = {
    "bos": ("bos_token_id", 0),
    "pad": ("pad_token_id", 1),
    "eos": ("eos_token_id", 2),
    "start": ("decoder_start_token_id", None),
    "language_token": ("forced_bos_token_id", None),
}
FORCED_END = "forced_eos_token_id"
STRUCTURE = {  # what the lines of the decoder must say, where they say it
    "model_type": ("mbart",),
    "activation_function": ("gelu", "relu"),
    "cross_attention_hidden_size": (None,),
    "add_cross_attention": (True,),
}
Fields = dict[str, object]


def read_config(folder: Path) -> tuple[Fields, Fields]:
    """Configuration of the encoder, and fields of ``TranslatorConfig``.

    Parameters
    ----------
    folder : Path
        With ``config.json`` and perhaps ``generation_config.json``.

    Raises
    ------
    InputError
        If it is no model of this kind, or a part is built in a way that ours is not.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> _ = (folder / "config.json").write_text('{"model_type": "whisper"}')
    >>> read_config(folder)
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: ...config.json: model_type is 'whisper'; a speech \
translation model has 'speech-encoder-decoder'
    """
    path = folder / CONFIG
    config = read_json(path)
    if config.get("model_type") != MODEL_TYPE:
        raise InputError(
            f"{path}: model_type is {config.get('model_type')!r}; a speech translation "
            f"model has {MODEL_TYPE!r}"
        )
    encoder, decoder = _part(config, "encoder", path), _part(config, "decoder", path)
    settings = decoder_settings(decoder, path, name="decoder.")
    generation = folder / GENERATION
    said = read_json(generation) if generation.exists() else {}
    settings |= _tokens(said, config, decoder)
    return encoder, settings | _adaptor(encoder, path)


def decoder_settings(decoder: Mapping[str, object], path: Path, *, name: str) -> Fields:
    """Fields of ``TranslatorConfig`` that mBART's configuration tells.

    Parameters
    ----------
    decoder : mapping
        Configuration of an mBART, or of a decoder.
    path : Path
        Of its file, for messages.
    name : str
        What stands before its keys in messages.

    Raises
    ------
    InputError
        If a size is missing or none, or the decoder is built otherwise.
    """
    for key, allowed in STRUCTURE.items():
        if decoder.get(key, allowed[0]) not in allowed:
            raise InputError(
                f"{path}: {name}{key} is {decoder[key]!r}; this decoder can have "
                f"{' or '.join(map(repr, allowed))}"
            )
    for key in SIZES.values():
        if type(decoder.get(key)) is not int or decoder[key] < 1:
            raise InputError(
                f"{path}: {name}{key} is {decoder.get(key)!r}; it must be a whole "
                "number from 1 on"
            )
    settings = {ours: decoder[theirs] for ours, theirs in SIZES.items()}
    options = OPTIONS.items()
    return settings | {n: decoder.get(key, default) for n, (key, default) in options}


def _part(config: Fields, name: str, path: Path) -> Fields:
    part = config.get(name)
    if not isinstance(part, dict):
        raise InputError(f"{path} has no {name!r}, the configuration of the {name}")
    return part


def _adaptor(encoder: Fields, path: Path) -> Fields:
    """Fields that say what stands behind the encoder."""
    width = encoder.get("hidden_size")
    if not encoder.get("add_adapter"):
        return {"adaptor_dim": width, "adaptor_layers": 0}
    sizes = {
        "output_hidden_size": encoder.get("output_hidden_size") or width,
        "num_adapter_layers": encoder.get("num_adapter_layers", 3),
        "adapter_stride": encoder.get("adapter_stride", 2),
        "adapter_kernel_size": encoder.get("adapter_kernel_size", 3),
    }
    for key, size in sizes.items():
        least = 0 if key == "num_adapter_layers" else 1
        if type(size) is not int or size < least:
            raise InputError(
                f"{path}: encoder.{key} is {size!r}; it must be a whole number from "
                f"{least} on"
            )
    if sizes["adapter_kernel_size"] != 3:
        raise InputError(
            f"{path}: encoder.adapter_kernel_size is {sizes['adapter_kernel_size']}; "
            "it must be 3, as in XLS-R's length adaptor"
        )
    return {
        "adaptor_dim": sizes["output_hidden_size"],
        "adaptor_layers": sizes["num_adapter_layers"],
        "adaptor_stride": sizes["adapter_stride"],
    }


def _tokens(generation: Fields, config: Fields, decoder: Fields) -> Fields:
    """Special tokens, from where transformers looks for them first."""
    tokens = {}
    for ours, (theirs, default) in TOKENS.items():
        places = [part.get(theirs) for part in (generation, config, decoder)]
        tokens[ours] = next((one for one in places if one is not None), default)
    if tokens["start"] is None:  # mBART's rule
        tokens["start"] = tokens["eos"]
    ends = [part.get(FORCED_END) for part in (generation, config, decoder)]
    end = next((one for one in ends if one is not None), None)
    return tokens | {"force_eos": end == tokens["eos"]}


def files_of(encoder: Mapping[str, object], settings: Fields) -> dict[str, Fields]:
    """JSON files of a model.

    Parameters
    ----------
    encoder : mapping
        Configuration of the encoder alone, as ``huggingface.config_of`` makes it.
    settings : mapping
        Fields of ``TranslatorConfig``.

    Returns
    -------
    dict of str to dict
        Content by name of the file.

    Example
    -------
    >>> settings = dict.fromkeys([*SIZES, *OPTIONS, "adaptor_stride"], 8)
    >>> settings |= {"adaptor_dim": 4, "adaptor_layers": 3, "bos": 0, "pad": 1}
    >>> settings |= {"eos": 2, "start": 2, "language_token": 5, "force_eos": True}
    >>> files = files_of({"hidden_size": 4}, settings)
    >>> files["config.json"]["decoder"]["d_model"]
    8
    >>> files["generation_config.json"]["forced_bos_token_id"]
    5
    """
    given = {theirs: settings[ours] for ours, (theirs, _) in TOKENS.items()}
    tokens = {name: token for name, token in given.items() if token is not None}
    if settings["force_eos"]:
        tokens[FORCED_END] = settings["eos"]
    decoder = {theirs: settings[ours] for ours, theirs in SIZES.items()}
    decoder |= {theirs: settings[ours] for ours, (theirs, _) in OPTIONS.items()}
    decoder |= {"model_type": "mbart", "is_decoder": True, "is_encoder_decoder": False}
    decoder |= {"add_cross_attention": True, FORCED_END: None}
    # Some versions of transformers size a decoder's cache by the text encoder's depth.
    decoder["encoder_layers"] = settings["num_layers"]
    width = encoder["hidden_size"]
    has_adapter = settings["adaptor_layers"] > 0 or settings["adaptor_dim"] != width
    adapter = {
        "add_adapter": has_adapter,
        "output_hidden_size": settings["adaptor_dim"],
        "num_adapter_layers": settings["adaptor_layers"],
        "adapter_stride": settings["adaptor_stride"],
        "adapter_kernel_size": 3,
    }
    config = {
        "model_type": MODEL_TYPE,
        "architectures": [ARCHITECTURE],
        "is_encoder_decoder": True,
        "tie_word_embeddings": False,  # of the two parts with each other
        "dtype": "float32",  # to compute in, whatever type the file stores
        "encoder": {**encoder, **adapter},
        "decoder": decoder | {n: t for n, t in tokens.items() if "forced" not in n},
    }
    return {CONFIG: config | tokens, GENERATION: tokens}
