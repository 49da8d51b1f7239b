"""A reference by its name: a checkpoint of Hugging Face, in a folder or on its hub, run by `transformers`."""

import inspect
import json
from pathlib import Path
from typing import Any

from parity_tests.pair_sides import side_class
from parity_tests.runners.side import Side

PREFIX = "hf:"
# What inputs are called there, where a model's own names are shorter.
NAMES = {
    "ids": "input_ids",
    "mask": "attention_mask",
    "segment_ids": "token_type_ids",
    "images": "pixel_values",
    "x": "pixel_values",
}
# What is compared of what such a model returns: the first of these that it has.
OUTPUTS = (("logits",), ("last_hidden_state", "pooler_output"))


def is_checkpoint(name: str | Path) -> bool:
    """Whether a reference's name is that of a checkpoint: on the hub, or in a folder."""
    return str(name).startswith(PREFIX) or Path(name).is_dir()


def hugging_face(name: str) -> Side:
    """The model of a checkpoint: ``name`` is a folder with config.json, or "hf:" and a name on the hub.

    Its class is the one that config.json names. Inputs may have its names or those that `NAMES` has for them;
    its outputs are its logits, or its hidden states and what is pooled of them. Attention is eager, so that
    scores can be heard. A name is looked up in the local cache first, and downloaded if it is not there.

    Raises ValueError where there is no such checkpoint, or no `transformers`.
    """
    try:
        import transformers
    except ImportError:
        raise ValueError(f"{name!r} needs transformers: pip install transformers") from None
    where = name.removeprefix(PREFIX)
    if where == name and not (Path(name) / "config.json").is_file():
        raise ValueError(
            f"reference {name!r} is no folder with a config.json; give one, or {PREFIX}NAME for a checkpoint "
            "of Hugging Face's hub"
        )
    try:
        module = _opened(transformers, where, on_hub=where != name)
    except (OSError, ValueError, json.JSONDecodeError) as error:
        said = str(error).strip().splitlines()[0]
        raise ValueError(f"{name!r} cannot be opened by transformers: {said}") from error
    return side_class("TorchModel")(module, _called)


def _opened(transformers: Any, where: str, on_hub: bool) -> Any:
    """The module of the class that config.json names; from the hub only what the local cache has not."""

    def loaded(**settings: bool) -> Any:
        config = transformers.AutoConfig.from_pretrained(where, **settings)
        kind = getattr(transformers, (config.architectures or ["AutoModel"])[0], transformers.AutoModel)
        return kind.from_pretrained(where, attn_implementation="eager", **settings)

    try:
        return loaded(local_files_only=True)
    except OSError:
        if not on_hub:  # a folder is whole, or it is not
            raise
    return loaded(local_files_only=False)


def _called(module: Any, **inputs: Any) -> Any:
    known = inspect.signature(module.forward).parameters
    names = {name: name if name in known else NAMES.get(name, name) for name in inputs}
    if unknown := [name for name in inputs if names[name] not in known]:
        raise ValueError(
            f"{type(module).__name__} takes no input {unknown[0]!r}: name the inputs as it does, "
            f"{', '.join(list(known)[:8])}, or as {', '.join(NAMES)}"
        )
    given = {names[name]: _whole(value) for name, value in inputs.items()}
    output = module(**given, **({"use_cache": False} if "use_cache" in known else {}))
    for wanted in OUTPUTS:
        found = [output[name] for name in wanted if output.get(name) is not None]
        if found:
            return found[0] if len(found) == 1 else tuple(found)
    return output


def _whole(value: Any) -> Any:
    """A mask as numbers, which all of these models take."""
    return value.long() if str(value.dtype) == "torch.bool" else value
