"""How figures are drawn: colours that everyone can tell apart, and files alike for alike figures."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt

# Which people with any colour vision can tell apart (Okabe and Ito 2008).
BLUE, ORANGE, GREEN, PURPLE, GREY = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#666666"
SKY, YELLOW, BLACK = "#56b4e9", "#e69f00", "#000000"
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, YELLOW, SKY, BLACK, GREY)


def save(figure: plt.Figure, path: Path) -> None:
    """Write it, without the day or the version, and close it."""
    png = path.suffix.lower() == ".png"  # the only one of matplotlib's formats that says so in these words
    figure.savefig(path, dpi=130, metadata={"Software": None} if png else None)
    plt.close(figure)
