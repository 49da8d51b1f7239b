"""The formats in which pictures are written, known without the library that draws them."""

from pathlib import Path

from train.config import ConfigError

FORMATS = (".png", ".svg", ".pdf", ".jpg")


def check_picture(path: Path) -> None:
    """Raise ConfigError where a picture's name tells no known format; to be called before the work."""
    if path.suffix.lower() not in FORMATS:
        raise ConfigError(f"{path}: give a picture's name that ends in {', '.join(FORMATS)}")
