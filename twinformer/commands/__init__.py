"""The subcommands, one a file: its options, and which function of `train` does the work.

No framework is imported before a command runs, so that help and refusals come at once.
"""

from typing import Annotated, Any

import tyro

from twinformer.commands.attention import Attention
from twinformer.commands.bench import Bench
from twinformer.commands.cards import Cards
from twinformer.commands.compare import Compare
from twinformer.commands.evaluate import Evaluate
from twinformer.commands.exchange import Export, Import
from twinformer.commands.generate import Generate
from twinformer.commands.grade import Grade
from twinformer.commands.grok import Grok
from twinformer.commands.map import Map
from twinformer.commands.parity import Parity
from twinformer.commands.play import Play
from twinformer.commands.question import Question
from twinformer.commands.record import Record
from twinformer.commands.resume import Resume
from twinformer.commands.runs import Runs
from twinformer.commands.shapes import Shapes
from twinformer.commands.train import Overview
from twinformer.commands.verify import Verify

# Training by a recipe's name has options of its own: see `train.parse`.
COMMANDS: Any = (
    Parity
    | Annotated[Overview, tyro.conf.subcommand("train")]
    | Resume
    | Evaluate
    | Generate
    | Import
    | Export
    | Verify
    | Runs
    | Compare
    | Map
    | Record
    | Shapes
    | Attention
    | Grade
    | Grok
    | Cards
    | Play
    | Question
    | Bench
)
