"""What happens around a command: interruption, runs that are there already, and errors nobody foresaw."""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from safetensors.numpy import load

import data
from jax_impl.config import GPTConfig
from train.architecture import Architecture
from train.config import ConfigError
from train.loops import torch_loop
from train.loops.interrupt import SIGNALS, Interrupted, deferred, interruptible
from train.paths import check_file, check_folder
from train.runs import checkpoint, folder, used
from train.runs.checkpoint import read_about
from train.runs.sampling import check_prompts
from twinformer import cli
from twinformer.messages import as_typed

pytestmark = pytest.mark.usefixtures("not_ignored")

SMALL = [
    "train",
    "classifier-embedded",
    "--framework",
    "torch",
    "--skip-parity",
    "--text.buckets",
    "1",
    "--model.vocab",
    "600",
    "--model.max-positions",
    "16",
    "--model.embed",
    "8",
    "--model.heads",
    "2",
    "--model.mlp",
    "8",
    "--steps",
    "6",
]


def told(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().err.split())


@pytest.fixture
def interrupted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[Path, str]:
    """A run that Ctrl-C ended after its third step, and what was said."""
    step = torch_loop.Trainer.step

    def press(self: Any, number: int) -> Any:
        if number == 2:
            signal.raise_signal(signal.SIGINT)
        return step(self, number)

    out = tmp_path / "run"
    with mock.patch.object(torch_loop.Trainer, "step", press):
        assert cli.status([*SMALL, "--out", str(out)]) == 130
    return out, told(capsys)


def test_ctrl_c_saves_and_says_how_to_go_on_and_that_works(
    interrupted: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    out, said = interrupted
    resume = f"resume {out}"
    assert said == f"twinformer: interrupted; {out}/torch holds 3 steps; go on with: twinformer {resume}"
    assert read_about(out / "torch/checkpoint.safetensors")["step"] == 3
    assert len((out / "torch/metrics.jsonl").read_text().splitlines()) == 3
    assert cli.status(["resume", str(out), f"{out}-2"]) == 0  # a new folder leaves the old one as it is
    assert cli.status(resume.split()) == 0
    runs = (out, Path(f"{out}-2"))
    assert [len((run / "torch/metrics.jsonl").read_text().splitlines()) for run in runs] == [7, 7]
    same = [(run / "torch/checkpoint.safetensors").read_bytes() for run in runs]
    assert load(same[0]).keys() == load(same[1]).keys()
    assert all((load(same[0])[name] == array).all() for name, array in load(same[1]).items())
    assert cli.status(resume.split()) == 2 and "is finished: there is nothing to resume" in told(capsys)


def test_the_same_command_says_how_to_go_on_and_begins_again_where_that_is_asked(
    interrupted: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    out, _ = interrupted
    (out / "notes.txt").write_text("mine")
    assert cli.status([*SMALL, "--out", str(out)]) == 2
    assert "holds 3 steps; go on with: twinformer resume" in (said := told(capsys)) and "--overwrite" in said
    kept = (out / "torch/checkpoint.safetensors").read_bytes()
    assert cli.status([*SMALL, "--out", str(out), "--overwrite", "--optimizer.clip", "0"]) == 2
    assert (out / "torch/checkpoint.safetensors").read_bytes() == kept  # settings are checked first
    assert cli.status([*SMALL, "--out", str(out), "--overwrite"]) == 0
    assert len((out / "torch/metrics.jsonl").read_text().splitlines()) == 7
    assert (out / "notes.txt").read_text() == "mine"


def test_a_second_ctrl_c_ends_at_once() -> None:
    for number in SIGNALS:
        with deferred() as waiting:
            signal.raise_signal(number)
            assert waiting.number == number
            with pytest.raises(Interrupted) as caught:
                signal.raise_signal(signal.SIGINT)
            assert caught.value.number == number  # the one that came first
            with pytest.raises(Interrupted):
                waiting.raise_now()
        with interruptible(), pytest.raises(Interrupted) as caught:
            signal.raise_signal(number)
        assert caught.value.number == number
        assert signal.getsignal(number) is signal.default_int_handler


def test_what_the_caller_ignores_stays_ignored() -> None:
    """As nohup does with SIGHUP."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with interruptible():
        signal.raise_signal(signal.SIGHUP)
        with deferred() as waiting:
            signal.raise_signal(signal.SIGHUP)
            assert waiting.number is None


def test_an_interruption_before_anything_is_saved_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with mock.patch("train.start.train", side_effect=KeyboardInterrupt):
        assert cli.status([*SMALL, "--out", str(tmp_path / "run")]) == 130
    assert "no checkpoint is there; begin again" in told(capsys)


def test_only_what_a_run_wrote_is_removed(tmp_path: Path) -> None:
    every = {
        *used.FILES,
        *(f"{kind}/{name}" for kind in ("jax", "torch") for name in used.FILES_OF_A_FRAMEWORK),
    }
    for name in every | {"notes.txt", "torch/mine.npy"}:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    used.remove_run(tmp_path)
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")}
    assert left == {"notes.txt", "torch", "torch/mine.npy"}


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (
            RuntimeError("a shape\nis wrong"),
            3,
            "nobody foresaw this: RuntimeError: a shape. The details are in ",
        ),
        (KeyError(), 3, "nobody foresaw this: KeyError. The details are in "),
        (OSError(28, "No space left on device", "x/y"), 2, "twinformer: x/y: No space left on device"),
        (MemoryError("much"), 2, "not enough memory (much)"),
        (FloatingPointError("the loss is nan"), 2, "twinformer: the loss is nan"),
        (data.DataError("no [/x] text"), 2, "twinformer: no [/x] text"),
        (ConfigError("steps=6: too few"), 2, "twinformer: --steps 6: too few"),
        (KeyboardInterrupt(), 130, "twinformer: interrupted; "),
    ],
)
def test_what_goes_wrong_is_one_line(
    error: BaseException, status: int, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with mock.patch("train.start.train", side_effect=error), mock.patch("tempfile.tempdir", str(tmp_path)):
        assert cli.status([*SMALL, "--out", str(tmp_path / "run")]) == status
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1
    logs = list(tmp_path.glob("twinformer-*.log"))
    assert len(logs) == (status == 3)
    for log in logs:
        assert str(log) in said and "Traceback" in log.read_text() and "--steps" in log.read_text()


@pytest.mark.parametrize(
    ("message", "typed"),
    [
        ("steps=6 and seed=0", "--steps 6 and --seed 0"),
        ("seed=1 of the file", "seed=1 of the file"),  # another value than the command has
        ("x_steps=6, steps=66", "x_steps=6, steps=66"),
        ("use_bias=True", "--model.use-bias"),
        ("tied=True, gated=False", "tied=True, --model.no-gated"),  # a classifier has no `tied`
        ("schedule='linear': no", "--optimizer.schedule linear: no"),
        ("skip_parity=True", "--skip-parity"),
    ],
)
def test_messages_name_options(message: str, typed: str) -> None:
    assert as_typed(message, cli.parse(SMALL)) == typed


def test_positional_words_are_shown_as_they_were_typed() -> None:
    command = cli.parse(["export", "runs/x", "file/y"])
    assert as_typed("out=file/y: no folder", command) == "file/y: no folder"


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny GPT in a folder whose name looks like markup."""
    out = tmp_path_factory.mktemp("runs") / "[weird] run"
    tokenizer = data.train_bpe(["the cat sat on the mat"], 262)
    sizes: dict[str, Any] = {"max_positions": 24, "embed": 8, "heads": 2, "mlp": 8, "layers": 1}
    model = Architecture("gpt", GPTConfig(vocab=tokenizer.get_vocab_size(), **sizes))
    folder.create(out, model, (), tokenizer)
    checkpoint.save(out, {"params": torch_loop.initial_params(model, 5)}, {"files": folder.parts(out)})
    return out


@pytest.mark.parametrize("prompt", ["[bold]the[/] :cat: [/x]", "", "the cat sat"])
def test_a_prompt_is_printed_as_it_is_and_what_is_written_fits(
    prompt: str, writer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.status(["generate", str(writer), prompt, "--framework", "torch"]) == 0
    assert capsys.readouterr().out.startswith(prompt)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["the cat " * 20], "leaves nothing to write: the model has 24 positions"),
        (["the", "--new", "25"], "and --new 25 need more than the model's max_positions=24"),
        (["the", "--num", "1000000000"], "--num 1000000000: the texts together take"),
    ],
)
def test_what_does_not_fit_is_refused(
    options: list[str], words: str, writer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.status(["generate", str(writer), *options, "--framework", "torch"]) == 2
    assert words in told(capsys)


def test_a_name_like_markup_is_shown_whole(writer: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.status(["evaluate", str(writer)]) == 2
    assert f"twinformer: {writer} was imported, not trained here" in told(capsys)
    out = writer.parent / "[/x]"
    assert cli.status(["export", str(writer), str(out)]) == 0
    assert f"{out} opens as GPT2LMHeadModel" in capsys.readouterr().out.replace("\n", "")


def test_a_prompt_that_is_no_text_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"prompt 'a\\udcff' is not UTF-8"):
        check_prompts(["a\udcff"])


@pytest.mark.parametrize("check", [check_file, check_folder])
def test_a_place_that_cannot_be_written_is_refused(check: Callable[..., None], tmp_path: Path) -> None:
    check("out", tmp_path / "new" / "deeper")
    with (
        mock.patch("os.access", return_value=False),
        pytest.raises(ConfigError, match="nothing can be written in"),
    ):
        check("out", tmp_path / "new")
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="broken is no folder"):
        check("out", tmp_path / "broken" / "new")
