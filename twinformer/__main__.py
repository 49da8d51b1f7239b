"""``python -m twinformer`` is the command ``twinformer``."""

from twinformer.cli import main

if __name__ == "__main__":
    main()
