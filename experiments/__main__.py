"""The command line of the long experiments: `python -m experiments NAME`, from the repository's folder."""

import argparse
import inspect
import sys
from importlib import import_module

from experiments import NAMES


def parser():
    """The words and options that `run` understands."""
    about = "\n".join(f"  {name:17} {text}" for name, text in NAMES.items())
    top = argparse.ArgumentParser(
        prog="cvcourse experiments",
        description="Make a recorded run, or weights that ship, again; takes minutes to an hour.",
        epilog=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("name", metavar="NAME", choices=NAMES, help=", ".join(NAMES))
    top.add_argument("parts", metavar="PART", nargs="*", help="of tasks: which networks, such as yolo")
    where = top.add_mutually_exclusive_group()
    where.add_argument("--workers", type=int, metavar="N", help="run in N processes of this machine")
    where.add_argument("--scheduler", metavar="ADDRESS", help="run on the Dask cluster of this scheduler")
    return top


def run(words):
    """Run a long experiment and write its weights or its recording into the package.

    Args:
        words: list of str, what follows `cvcourse experiments`.

    Raises:
        ValueError: workers for what is one piece, or fewer than one.
    """
    options = parser().parse_args(words)
    main = import_module(f"experiments.{options.name}").main
    on = options.workers if options.scheduler is None else options.scheduler
    if on is not None and "on" not in inspect.signature(main).parameters:
        raise ValueError(f"{options.name} is one piece and runs here: leave --workers and --scheduler out.")
    if options.workers is not None and options.workers < 1:
        raise ValueError(f"--workers must be at least 1. Received: {options.workers}")
    main(*options.parts, **({} if on is None else {"on": on}))


if __name__ == "__main__":
    try:
        run(sys.argv[1:])
    except (OSError, RuntimeError, ValueError) as error:
        sys.exit(f"experiments: {error}")
