"""Files to begin with: what a part has to do and how it is called, without the answer."""

from pathlib import Path

from study.grade.errors import GradeError

STUBS = Path(__file__).parent / "stubs"
HEADER = '"""{about}\nFill in what is missing, then: twinformer grade {name}\n"""\n\n{code}'


def begin(part: str, framework: str, path: Path | None) -> Path:
    """Write the file, by default "multi_head_jax.py" here, and return it. Raises GradeError where there is
    one.
    """
    path = path or Path(f"{part}_{framework}.py")
    if path.exists():
        raise GradeError(f"{path} is there already: name another file, or remove it")
    path.write_text(text(part, framework, path.name), "utf-8")
    return path


def text(part: str, framework: str, name: str) -> str:
    about = (STUBS / f"{part}.txt").read_text("utf-8")
    code = (STUBS / f"{part}_{framework}.txt").read_text("utf-8")
    return HEADER.format(about=about, name=name, code=code)
