"""Fine-tuning: a classifier that begins with the weights of a trained BERT or GPT."""

import dataclasses

from tokenizers import Tokenizer

from parity_tests.twins.architecture import Architecture
from train.config import Config, ConfigError
from train.loops.jax_loop import parameter_shapes
from train.runs.checkpoint import Arrays
from train.runs.load import load


def begin_with(config: Config, classes: int) -> tuple[Architecture, Arrays, Tokenizer]:
    """The classifier, the weights that it has from the run ``config.init``, and that run's tokenizer.

    What the run has not is drawn: the head, and a pooler that was not trained. Of the configuration's model
    only the dropout counts.

    Raises:
        ConfigError: the run is of another family, or its model has too few positions.
        RunError, CheckpointError: there is no such run.
    """
    assert config.init is not None
    run = load(config.init)
    source = run.architecture
    if source.target == "gpt.GPT":
        # The last token's vector is read, not the logits: an output layer of its own is left behind.
        part = _with(source, dropout=config.model.dropout, tied=True)
        architecture = Architecture("gpt.GPTClassifier", {"gpt": part, "classes": classes})
        found = {f"gpt/{name}": array for name, array in run.params.items()}
    elif source.target.startswith("bert."):
        part = _with(source.arguments["bert"], dropout=config.model.dropout)
        arguments = {"bert": part, "classes": classes, "pooling": config.pooling}
        architecture = Architecture("bert.BertClassifier", arguments)
        found = {name: array for name, array in run.params.items() if not name.startswith("head/")}
    else:
        raise ConfigError(f"init={config.init!r} holds a {source.target}: give a run of bert or gpt")
    positions = part.arguments["positions"]
    if config.text.positions > positions:
        raise ConfigError(
            f"positions={config.text.positions}: the model of init={config.init!r} has {positions}; "
            "give no more than that"
        )
    kept = parameter_shapes(architecture).keys() & found.keys()
    return architecture, {name: found[name] for name in sorted(kept)}, run.tokenizer


def _with(architecture: Architecture, **changes: object) -> Architecture:
    return dataclasses.replace(architecture, arguments={**architecture.arguments, **changes})
