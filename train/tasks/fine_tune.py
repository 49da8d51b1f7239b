"""Fine-tuning: a classifier that begins with the weights of a trained BERT or GPT."""

from tokenizers import Tokenizer

from jax_impl.config import BertClassifierConfig, BertConfig, GPTClassifierConfig, NGramConfig
from train.architecture import Architecture
from train.config import Config, ConfigError, Framework
from train.fields import KEPT
from train.loops.backend import backend
from train.runs.checkpoint import Arrays
from train.runs.load import load
from train.tasks.ngrams import buckets_for


def begin_with(config: Config, classes: int, framework: Framework) -> tuple[Architecture, Arrays, Tokenizer]:
    """The classifier, the weights that it has from the run ``config.init``, and that run's tokenizer.

    What the run has not is drawn: the head, and a pooler that was not trained. Of the configuration's model
    only the dropout, the n-grams and the positions count. ``framework`` opens the run; the weights are the
    same in either.

    Raises:
        ConfigError: the run is of another family, or its model has too few positions.
        RunError, CheckpointError: there is no such run.
    """
    assert config.init is not None
    run = load(config.init, framework)
    assert isinstance(config.model, NGramConfig)
    source, changes = run.architecture, {"classes": classes}
    changes |= {name: getattr(config.model, name) for name in KEPT if name != "max_positions"}
    changes["ngram_buckets"] = buckets_for(config.model, classes)
    if source.name == "gpt":
        # The last token's vector is read, not the logits: an output layer of its own is left behind.
        settings = vars(source.config) | changes | {"tied": True}
        architecture = Architecture("gpt_classifier", GPTClassifierConfig(**settings))
        found = {f"gpt/{name}": array for name, array in run.params.items()}
    elif isinstance(source.config, BertConfig):
        settings = vars(source.config) | changes | {"pooling": config.pooling}
        architecture = Architecture("bert_classifier", BertClassifierConfig(**settings))
        base = "bert/" if source.name == "bert" else ""  # which stands alone: it has no head beside it
        found = {f"{base}{name}": array for name, array in run.params.items() if not name.startswith("head/")}
    else:
        raise ConfigError(f"init={config.init!r} holds a {source.name}: give a run of bert or gpt")
    positions = architecture.config.max_positions
    if config.model.max_positions > positions:
        raise ConfigError(
            f"max_positions={config.model.max_positions}: the model of init={config.init!r} has {positions}; "
            "give no more than that"
        )
    kept = backend(framework).parameter_shapes(architecture).keys() & found.keys()
    return architecture, {name: found[name] for name in sorted(kept)}, run.tokenizer
