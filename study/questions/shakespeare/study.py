"""A GPT trained on the words of Shakespeare's works, beside what counting alone reaches."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

import data
import jax_impl.gpt
import torch_impl.gpt
from data.baselines.scores import baseline_scores
from data.batches.next_token import NextTokenBatches, next_token_evaluation
from data.batches.windows import Windows
from parity_tests.twins.registry import Pair
from study.parity import hold
from study.questions.ask import Planned, ask
from study.questions.fit import Watch
from study.questions.settings import DecoderConfig, evaluations
from study.questions.shakespeare import picture, words
from study.questions.shakespeare.own_words import GRAM, longest_run, stands, written
from study.record import few
from train.architecture import Architecture
from train.config import ConfigError, Framework, Optimizer

Curve = dict[str, list[float]]
PAIR = Pair(jax_impl.gpt.GPT, torch_impl.gpt.GPT)
BATCH, LOOKED_AT, EVALUATIONS = 16, 64, 15  # windows of a step, and of an evaluation on the way
TEMPERATURE, SAMPLE = 0.8, 240  # pieces; about half of them are words
OPTIMIZER = Optimizer(learning_rate=2e-3, warmup=0.1, weight_decay=0.1, schedule="cosine")


@dataclass(frozen=True)
class Settings:
    """The question's sizes."""

    steps: int = 2000
    positions: int = 63
    """Odd, as words and what lies between them alternate: in windows of an even length each position would
    always hold one of the two, and the model would learn that of the position."""
    embed: int = 128
    layers: int = 2
    prompt: str = "My lord, "

    def model(self, vocab: int) -> DecoderConfig:
        return DecoderConfig(
            vocab=vocab,
            max_positions=self.positions,
            embed=self.embed,
            heads=4,
            mlp=4 * self.embed,
            layers=self.layers,
            dropout=0.1,
        )


def study(
    settings: Settings, framework: Framework, data_dir: Path | None, out: Path, console: Console
) -> dict[str, Any]:
    """Train it; returns the record. The test split is looked at once, at the end.

    Raises DataError where the text is missing.
    """
    corpus = data.load_corpus("shakespeare", data_dir)
    with console.status("cutting the text into words"):
        splits = {
            name: words.pieces("".join(getattr(corpus, name))) for name in ("train", "validation", "test")
        }
        known = words.vocabulary(splits["train"], splits["validation"])
        cut = {name: words.windows(split, known, settings.positions) for name, split in splits.items()}
    asked = words.pieces(settings.prompt)
    if not asked or words.UNKNOWN in (ids := known.ids(asked)):
        rare = asked[list(ids).index(words.UNKNOWN)] if asked else settings.prompt
        raise ConfigError(f"prompt: {rare!r} is unknown to the model; give others, such as 'My lord, '")
    config = settings.model(len(known))

    def check() -> dict[str, Any]:
        rows = np.ascontiguousarray(cut["validation"].ids[:2])
        return hold("shakespeare", PAIR, {"ids": rows}, {"config": config})

    def carry_out(watch: Watch) -> dict[str, Any]:
        loop = import_module(f"train.loops.{framework}_loop")
        architecture = Architecture("gpt", config)
        stream = NextTokenBatches(cut["train"], BATCH, 0).stream
        params = loop.initial_params(architecture, 0)
        trainer = loop.Trainer("gpt", architecture, params, stream, OPTIMIZER, settings.steps, 0)
        model, curve = loop.build_model(architecture), Curve(step=[], loss=[], validation=[])
        every, losses = evaluations(settings.steps, EVALUATIONS), []
        few_windows = next_token_evaluation(cut["validation"], BATCH)[: LOOKED_AT // BATCH]
        for step in range(settings.steps):
            losses.append(trainer.step(step)["loss"])
            if (step + 1) % every == 0 or step + 1 == settings.steps:
                now = _mean(loop, model, trainer.params(), few_windows)
                row = {"step": step + 1, "loss": float(np.mean([float(one) for one in losses]))}
                for name, value in {**row, "validation": now}.items():
                    curve[name].append(few(value))
                losses = []
                watch(step + 1, f"validation {now:.3f} nats a token")
        return {
            "framework": framework,
            "curve": curve,
            "vocab": len(known),
            "parameters": int(sum(array.size for array in trainer.params().values())),
            "splits": {name: _about(splits[name], cut[name], known) for name in splits},
            "scores": _scores(loop, model, trainer.params(), splits, cut, known),
            "sample": _sample(loop.outputs(model, trainer.params()), settings, known, cut),
        }

    planned = [Planned(f"{settings.steps} steps", settings.steps, carry_out)]
    return ask(asdict(settings), check, planned, picture.draw, out, console)


def _about(split: Sequence[str], cut: Windows, known: words.Vocabulary) -> dict[str, Any]:
    ids = known.ids(split)
    return {"tokens": len(ids), "windows": len(cut), "unknown": few(float((ids == words.UNKNOWN).mean()))}


def _mean(loop: Any, model: Any, params: Any, batches: Sequence[Any]) -> float:
    """Nats a token."""
    rows = loop.evaluate("gpt", model, params, batches)
    counts = np.array([batch.labels.size for batch in batches])
    return float(counts @ [row["loss"] for row in rows] / counts.sum())


def _scores(
    loop: Any,
    model: Any,
    params: Any,
    splits: dict[str, list[str]],
    cut: dict[str, Windows],
    known: words.Vocabulary,
) -> dict[str, dict[str, float]]:
    """By model: nats a token of the test split, perplexity, and bits per byte with unknown words spelled."""
    train, validation, test = (cut[name] for name in ("train", "validation", "test"))
    nats = {
        "gpt": _mean(loop, model, params, next_token_evaluation(test, BATCH)),
        **{
            score.name: score.nats_per_token for score in baseline_scores(train, validation, test, len(known))
        },
    }
    labels = len(test.tokens) - 1
    spelling = known.spelling(splits["test"][1 : labels + 1])
    return {
        name: {
            "nats": few(loss),
            "perplexity": few(math.exp(loss)),
            "bits_per_byte": few((loss * labels + spelling) / math.log(2) / test.bytes),
        }
        for name, loss in nats.items()
    }


def _sample(
    outputs: Any, settings: Settings, known: words.Vocabulary, cut: dict[str, Windows]
) -> dict[str, Any]:
    """What the model writes, and which share of its runs of `GRAM` pieces the training split has; beside that
    of excerpts of the validation split that are as long: mean, and the middle 95 %."""
    prompt = known.ids(words.pieces(settings.prompt)).tolist()
    ids = written(outputs, prompt, SAMPLE, settings.positions, TEMPERATURE, seed=0)
    array, train = np.array(ids, np.int32), cut["train"].tokens
    real = stands(cut["validation"].tokens, train)
    length = min(len(ids) - GRAM + 1, len(real))
    shares = real[: len(real) // length * length].reshape(-1, length).mean(axis=1)
    return {
        "text": known.text(ids),
        "longest": longest_run(array, train),
        "share": few(stands(array, train).mean()),
        "validation": [few(shares.mean()), *map(few, np.quantile(shares, (0.025, 0.975)))],
    }
