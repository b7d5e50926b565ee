"""fairseq's configurations: plain values of them, and the sizes that they tell.

A file has them as ``cfg``, containers of omegaconf in most, plain dictionaries in some,
or as ``args``, a Namespace, if it is older. A fine-tuned model has those of its encoder
inside its own, as ``w2v_args``.
"""

import ast
from collections.abc import Mapping

from xlsr_sb.checkpoints.pickles.names import Stub, UnreadableError
from xlsr_sb.errors import InputError

MAX_VALUES = 100_000  # a configuration has a few hundred
SIZES = {  # our field: theirs
    "dim": "encoder_embed_dim",
    "ffn_dim": "encoder_ffn_embed_dim",
    "num_heads": "encoder_attention_heads",
    "num_layers": "encoder_layers",
    "pos_conv_kernel": "conv_pos",
    "pos_conv_groups": "conv_pos_groups",
}
STRUCTURE = {"layer_norm_first": True, "extractor_mode": "layer_norm"}
DETAILS = {"activation_fn": "gelu", "conv_bias": True, "pos_conv_depth": 1}
DETAILS |= {"layer_type": "transformer", "quantize_input": False}


def plain(value: object) -> object:
    """Numbers, texts, lists and dictionaries of a value with stubs in it.

    Containers and values of omegaconf, Namespaces, and enumerations give what they
    hold; None stands for everything else.

    Raises
    ------
    UnreadableError
        If there is no end of it.

    Example
    -------
    >>> from xlsr_sb.checkpoints.pickles.names import Name
    >>> node = Stub(Name("omegaconf.nodes", "AnyNode"), (), {"_val": 16})
    >>> plain(Stub(Name("omegaconf.dictconfig", "DictConfig"), (), {
    ...     "_content": {"encoder_attention_heads": node}}))
    {'encoder_attention_heads': 16}
    """
    return _Plain().of(value, depth=0)


class _Plain:
    """Plain values, as long as there are not too many."""

    def __init__(self):
        self.count = 0

    def of(self, value: object, *, depth: int) -> object:
        self.count += 1
        if self.count > MAX_VALUES or depth > 50:
            raise UnreadableError("its configuration has no end")
        if isinstance(value, Mapping):
            pairs = value.items()
            return {_text(k): self.of(v, depth=depth + 1) for k, v in pairs}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.of(item, depth=depth + 1) for item in value]
        if type(value) is Stub:
            return self.of(_inside(value), depth=depth + 1)
        return value if isinstance(value, str | int | float | bool) else None


def _text(key: object) -> str:
    """Key of a dictionary as a text."""
    return key if type(key) is str else str(_inside(key) if type(key) is Stub else key)


def _inside(stub: Stub) -> object:
    """What a stub holds."""
    state = stub.state
    if isinstance(state, dict):
        for name in ("_content", "_val", "_value_"):
            if name in state:
                return state[name]
        return state
    if stub.items is not None:
        return stub.items
    is_enumeration = len(stub.arguments) == 1 and type(stub.arguments[0]) in (str, int)
    return stub.arguments[0] if is_enumeration else None


def config_of(content: Mapping[str, object]) -> dict[str, object]:
    """Configuration of a file with the keys ``model`` and ``task``, whatever its age.

    Parameters
    ----------
    content : mapping
        Of the file.

    Example
    -------
    >>> from xlsr_sb.checkpoints.pickles.names import Name
    >>> args = Stub(Name("argparse", "Namespace"), (), {"encoder_layers": 24})
    >>> config_of({"args": args, "cfg": None})["model"]["encoder_layers"]
    24
    """
    config = plain(content.get("cfg"))
    if not isinstance(config, dict) or not config:
        config = plain(content.get("args"))
    return _by_section(config)


def _by_section(config: object) -> dict[str, object]:
    """Sections of a configuration; a flat one is all of them at once."""
    config = config if isinstance(config, dict) else {}
    if isinstance(config.get("model"), dict):
        task = config.get("task")
        return {**config, "task": task if isinstance(task, dict) else {}}
    return {"model": config, "task": config}


def encoder_config(config: Mapping[str, object]) -> dict[str, object]:
    """Configuration of the encoder: of the file, or inside that of a fine-tuned model.

    Example
    -------
    >>> inner = {"model": {"encoder_layers": 24}, "task": {"normalize": True}}
    >>> encoder_config({"model": {"w2v_args": inner}, "task": {}})["task"]
    {'normalize': True}
    """
    inner = config["model"].get("w2v_args")
    if isinstance(inner, dict):
        return _by_section(inner)
    is_encoder = SIZES["dim"] in config["model"]
    return {"model": config["model"] if is_encoder else {}, "task": config["task"]}


def check_structure(config: Mapping[str, object], *, source: str) -> None:
    """Raise unless an encoder is built like XLS-R and hears normalised waveforms.

    Raises
    ------
    InputError
        With the setting, its value, and what XLS-R has.

    Example
    -------
    >>> check_structure({"model": {"extractor_mode": "default"}, "task": {}},
    ...                 source="base.pt")
    Traceback (most recent call last):
    ...
    xlsr_sb.errors.InputError: base.pt: layer_norm_first is None; a model built \
like XLS-R has True
    """
    model = config["model"]
    wanted = (
        {**STRUCTURE, **DETAILS} if model else {}
    )  # without one the tensors must do
    for name, value in wanted.items():
        found = model.get(name)
        if found != value and not (found is None and name in DETAILS):
            raise InputError(
                f"{source}: {name} is {found!r}; a model built like XLS-R has {value!r}"
            )
    normalise = config["task"].get("normalize", model.get("normalize"))
    if normalise is False:
        raise InputError(
            f"{source}: normalize is False: the model was trained on waveforms as they "
            "are, but XLS-R and this encoder normalise each one. Its features would be "
            "wrong"
        )


def config_sizes(model: Mapping[str, object], *, source: str) -> dict[str, object]:
    """Sizes that a configuration tells and shapes do not: strides and heads.

    Example
    -------
    >>> config_sizes({"conv_feature_layers": "[(512, 10, 5)] + [(512, 3, 2)] * 2",
    ...               "encoder_attention_heads": 16}, source="a.pt")
    {'conv_strides': (5, 2, 2), 'num_heads': 16}
    """
    told: dict[str, object] = {}
    layers = model.get("conv_feature_layers")
    if isinstance(layers, str):
        told["conv_strides"] = tuple(
            one[2] for one in conv_layers(layers, source=source)
        )
    if type(heads := model.get("encoder_attention_heads")) is int:
        told["num_heads"] = heads
    return told


def conv_layers(text: str, *, source: str) -> list[tuple[int, int, int]]:
    """Width, kernel and stride of each convolution, from the sum that fairseq writes.

    fairseq evaluates it as Python; here only lists, sums and multiples mean anything.

    Raises
    ------
    InputError
        If it is anything else.

    Example
    -------
    >>> conv_layers("[(512, 10, 5)] + [(512, 3, 2)] * 2", source="a.pt")
    [(512, 10, 5), (512, 3, 2), (512, 3, 2)]
    """
    problem = InputError(
        f"{source}: conv_feature_layers is {text[:80]!r}; it must be a sum of lists of "
        "(width, kernel, stride), as '[(512, 10, 5)] + [(512, 3, 2)] * 4'"
    )
    try:
        layers = _layers(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise problem from error
    are_layers = all(
        isinstance(one, tuple) and len(one) == 3 and all(type(n) is int for n in one)
        for one in layers
    )
    if not are_layers or not layers:
        raise problem
    return layers


def _layers(node: ast.expr) -> list:
    """List that an expression of sums and multiples stands for."""
    match node:
        case ast.BinOp(left, ast.Add(), right):
            layers = _layers(left) + _layers(right)
        case ast.BinOp(left, ast.Mult(), ast.Constant(int(times))) if 0 < times <= 64:
            layers = _layers(left) * times
        case ast.List():
            layers = ast.literal_eval(node)
        case _:
            raise ValueError("neither a list, nor a sum or multiple of lists")
    if len(layers) > 64:
        raise ValueError("too many convolutions")
    return layers
