"""One transformer in JAX and in PyTorch: compare the two, train them, open what they learned."""

import io
import signal
import sys
import tempfile
import traceback
from collections.abc import Sequence
from typing import Protocol

import tyro
from rich.console import Console
from rich.text import Text

import twinformer
from twinformer import compile_cache
from twinformer.messages import as_typed
from twinformer.shadows import PACKAGES, refuse_shadows

FAILED, REFUSED, UNFORESEEN, SIGNAL = 1, 2, 3, 128
STATUSES = (
    "Exit status: 0 done, 1 parity fails or a run was changed, 2 input that cannot be used, 3 an error that "
    "nobody foresaw, 128 + n ended by signal n (130: Ctrl-C). Completion for a shell: twinformer "
    "--tyro-print-completion bash (or zsh, tcsh). The version: twinformer --version."
)


class Command(Protocol):
    """What a subcommand's options can do."""

    def carry_out(self, console: Console) -> int:
        """Do it; returns the exit status."""


def main() -> None:
    """Run the command of sys.argv, and exit with its status."""
    for stream in (sys.stdout, sys.stderr):  # a terminal that cannot show a character shows its number
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    compile_cache.keep()
    sys.exit(status(sys.argv[1:]))


def status(arguments: list[str]) -> int:
    """Run a command. What goes wrong is told in one line; returns the exit status."""
    command: Command | None = None
    try:
        refuse_shadows()
        refuse_undecodable(arguments)
        from train.loops.interrupt import interruptible
        from train.loops.memory import told_alike

        command = parse(arguments)
        # Paths and texts are printed as they are: "[/x]" is a path too, and ":x:" no emoji.
        with interruptible(), told_alike():
            return command.carry_out(Console(markup=False, emoji=False))
    except KeyboardInterrupt as interrupt:
        left = getattr(command, "interrupted", str)()
        number = getattr(interrupt, "number", signal.SIGINT)
        return tell(f"interrupted; {left}" if left else "interrupted", SIGNAL + number)
    except Exception as error:
        if not foreseen(error):
            return tell(unforeseen(error, arguments), UNFORESEEN)
        # Ours are of a class of their own (`GoOn`), which cannot be imported where `train` is hidden.
        notes = [note for note in getattr(error, "__notes__", ()) if type(note) is not str]
        return tell(
            "; ".join([as_typed(words(error), command), *notes]), getattr(error, "exit_status", REFUSED)
        )


def parse(arguments: Sequence[str]) -> Command:
    """The command of an argument list. A recipe's name is the first word after train."""
    from twinformer.commands import COMMANDS, train

    first, *rest = [*arguments, ""]
    if first == "train" and rest[0] not in ("", "-h", "--help", "--list"):
        return train.parse(rest[0], list(arguments[2:]))
    if first == "--version":
        return Version()
    config = (tyro.conf.OmitSubcommandPrefixes,)
    about = f"{__doc__}\n\n{STATUSES}"
    return tyro.cli(COMMANDS, args=arguments, prog="twinformer", description=about, config=config)


class Version:
    """``--version``."""

    def carry_out(self, console: Console) -> int:
        console.print(f"twinformer {twinformer.__version__}", highlight=False)
        return 0


def refuse_undecodable(arguments: list[str]) -> None:
    """Raise UnicodeError on a word that is no text: it could be neither printed nor kept in a file."""
    for word in arguments:
        if any("\ud800" <= letter <= "\udfff" for letter in word):
            raise UnicodeError(f"{word!a} is not UTF-8: type it again")


def foreseen(error: Exception) -> bool:
    """Whether the message is meant for the user.

    Errors that our packages define are, and so are the system's.
    """
    ours = type(error).__module__.partition(".")[0] in PACKAGES
    return ours or isinstance(error, OSError | MemoryError | FloatingPointError | UnicodeError | ImportError)


def words(error: Exception) -> str:
    """What to say of a foreseen error, in one line."""
    if isinstance(error, MemoryError):
        return f"not enough memory ({error}): make the model, the batch or the number of texts smaller"
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split("\n"))


def unforeseen(error: Exception, arguments: list[str]) -> str:
    """What to say of any other error. The traceback goes into a file."""
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", prefix="twinformer-", suffix=".log", delete=False
    ) as log:
        log.write(f"twinformer {twinformer.__version__}, Python {sys.version}\n{arguments!a}\n\n")
        log.write("".join(traceback.format_exception(error)))
    lines = str(error).splitlines()
    about = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    return f"nobody foresaw this: {about}. The details are in {log.name}; please report it with that file"


def tell(message: str, exit_status: int) -> int:
    """One line on the error stream; returns the status."""
    console = Console(stderr=True, markup=False, emoji=False, highlight=False, soft_wrap=True)
    console.print(Text.assemble(("twinformer:", "red"), " ", message))
    return exit_status
