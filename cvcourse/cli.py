"""The command `cvcourse`: what authors and instructors do with the course's files.

    cvcourse clean notebooks/*.ipynb        run each notebook and keep what is to be committed
    cvcourse slides LESSON.ipynb OUT.html   a lesson as slides, in one file
    cvcourse site OUT                       all lessons as a website
    cvcourse student OUT notebooks          hand lessons out without their solutions
    cvcourse assignment NOTEBOOK COURSE     a lesson for nbgrader; class grade COURSE LESSON grades it
    cvcourse progress notebooks             what is done, right and wrong there
    cvcourse class report GRADED --to PAGE  how many are right, and which mistake how often
    cvcourse doctor                         what this machine has for the course, and how fast it is
    cvcourse data fetch cifar10 --to DIR    put a data set into a folder that a class shares
    cvcourse experiments backbone           make a recorded run, or weights that ship, again

A verb is a function that takes its arguments, and a few lines in `parser()`; what it says is printed, and an
exit status other than 0 is returned.
"""

import argparse
import sys
from importlib import import_module
from pathlib import Path

from cvcourse import stored

CHECKED = "nbval-check-output"  # the tag of the cells whose output is kept and compared
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def main(arguments=None):
    """Run one verb of the command line; the exit status.

    Args:
        arguments: list of str, what follows the word `cvcourse`; by default what was typed.

    Returns:
        int: 0, or 1 after an error, which is printed to stderr.
    """
    top = parser()
    options, more = top.parse_known_args(arguments)
    if more and (not hasattr(options, "notebooks") or any(word.startswith("-") for word in more)):
        top.error(f"unrecognized arguments: {' '.join(more)}")
    if more:
        options.notebooks += map(Path, more)  # argparse takes none that stand behind an option
    try:
        return options.verb(options) or 0
    except (OSError, RuntimeError, ValueError) as error:
        print(f"cvcourse: {error}", file=sys.stderr)
        return 1


def parser():
    """The command line: one subcommand for each verb."""
    top = argparse.ArgumentParser(prog="cvcourse", description="Tools for authors and instructors.")
    verbs = top.add_subparsers(title="verbs", required=True)

    verb = verbs.add_parser("clean", help="run notebooks and keep what is to be committed")
    verb.add_argument("notebooks", nargs="+", type=Path, metavar="NOTEBOOK")
    verb.add_argument("--strip", action="store_true", help="do not run; drop every output")
    verb.set_defaults(verb=clean)

    verb = verbs.add_parser("slides", help="a lesson as slides: one file that opens from disk")
    verb.add_argument("notebook", type=Path, metavar="NOTEBOOK")
    verb.add_argument("out", type=Path, metavar="OUT.html")
    verb.add_argument("--executed", action="store_true", help="it has been run, and its widgets saved")
    verb.set_defaults(verb=slides)

    verb = verbs.add_parser("site", help="the lessons as a website, to be opened from disk or served")
    verb.add_argument("out", type=Path, metavar="OUT", help="the folder of the website")
    verb.add_argument("notebooks", nargs="*", type=Path, metavar="NOTEBOOK", help="by default all lessons")
    verb.add_argument("--executed", action="store_true", help="they have been run, and their widgets saved")
    verb.add_argument("--repository", default="", metavar="OWNER/NAME", help="on GitHub; for Colab, Binder")
    verb.set_defaults(verb=site)

    verb = verbs.add_parser("student", help="hand lessons out without their solutions")
    verb.add_argument("folder", type=Path, metavar="OUT", help="where the students' copies go")
    verb.add_argument("notebooks", nargs="+", type=Path, metavar="NOTEBOOK", help="or a folder of them")
    verb.add_argument("--update", action="store_true", help="copies that are there keep their answers")
    verb.set_defaults(verb=student)

    verb = verbs.add_parser("assignment", help="make a lesson an assignment of nbgrader")
    verb.add_argument("notebook", type=Path, metavar="NOTEBOOK")
    verb.add_argument("folder", type=Path, metavar="COURSE", help="the folder of nbgrader's course")
    verb.add_argument("--seed-by", choices=("student", "assignment", "none"), default="student",
                      help="whose hidden cases an answer meets")  # fmt: skip
    verb.add_argument("--only-exercises", action="store_true", help="without the rest of the lesson")
    verb.add_argument("--quiz", action="store_true", help="its questions earn points, too")
    verb.set_defaults(verb=assignment)

    verb = verbs.add_parser("progress", help="what is done, right and wrong in one's own notebooks")
    verb.add_argument("paths", nargs="+", type=Path, metavar="NOTEBOOK", help="or a folder of them")
    verb.set_defaults(verb=progress)

    group = verbs.add_parser("class", help="what a class did").add_subparsers(title="verbs", required=True)
    verb = group.add_parser("release", help="write what students get, with nbgrader")
    verb.add_argument("folder", type=Path, metavar="COURSE", help="with source/LESSON in it")
    verb.add_argument("lesson", metavar="LESSON", help="such as 04_pooling")
    verb.set_defaults(verb=class_release)
    verb = group.add_parser("grade", help="grade what was handed in, with nbgrader")
    verb.add_argument("folder", type=Path, metavar="COURSE", help="with submitted/STUDENT/LESSON in it")
    verb.add_argument("lesson", metavar="LESSON", help="such as 04_pooling")
    verb.set_defaults(verb=class_grade)
    verb = group.add_parser("report", help="one page: how many are right, and which mistake how often")
    verb.add_argument("folder", type=Path, metavar="GRADED", help="with a folder for each student")
    verb.add_argument("--to", type=Path, required=True, metavar="PAGE.html", help="a CSV comes beside it")
    verb.add_argument("--names", action="store_true", help="name the students")
    verb.set_defaults(verb=class_report)

    data = verbs.add_parser("data", help="data sets for a class").add_subparsers(title="verbs", required=True)
    verb = data.add_parser("fetch", help="put a data set into a folder that a class shares")
    verb.add_argument("name", metavar="NAME", help="mnist, fashion_mnist, cifar10 or cifar100")
    verb.add_argument("--to", type=Path, required=True, metavar="FOLDER")
    verb.set_defaults(verb=data_fetch)

    verb = verbs.add_parser("doctor", help="what this machine has for the course")
    verb.add_argument("--quick", action="store_true", help="no data sets, front end, speed: a second")
    verb.add_argument("--json", action="store_true", help="the same for programs")
    verb.add_argument("--record", type=Path, metavar="README.md", help="its table is this machine's")
    verb.set_defaults(verb=doctor)

    # All that follows goes to the experiments' own command line; no word begins with this character.
    verb = verbs.add_parser("experiments", prefix_chars="\0", add_help=False,
                            help="make a recorded run, or weights that ship, again")  # fmt: skip
    verb.add_argument("words", nargs="*")
    verb.set_defaults(verb=experiments)
    return top


def experiments(options):
    """Run a long experiment, where the course's repository is at hand."""
    root = Path(__file__).parents[1]
    if not (root / "experiments" / "__main__.py").is_file():
        raise ValueError("the long experiments are no part of the package: run this from a checkout of the "
                         "course's repository, installed with `pip install -e .`")  # fmt: skip
    sys.path.insert(0, str(root))  # its workers get the same path
    import_module("experiments.__main__").run(options.words)


def doctor(options):
    """Print what this machine has for the course; the exit status, 1 if there is a problem."""
    from cvcourse import doctor, speed  # here, so that the other verbs start quickly

    if options.record:
        print(speed.record(options.record))
        return 0
    report = doctor.examine(options.quick)
    print(report.json() if options.json else report)
    return 0 if report.ok else 1


def data_fetch(options):
    """Put a data set into a folder; students then set CVCOURSE_DATA to it."""
    from cvcourse.datasets.load import FOLDER, fetch  # here, so that the other verbs start quickly

    path = fetch(options.name, options.to)
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB. On students' machines, set {FOLDER} to this folder.")


def site(options):
    """Build the website."""
    from cvcourse.publishing import site as website  # here, so that the other verbs start quickly

    notebooks = options.notebooks or sorted(Path("notebooks").glob("[0-9]*.ipynb"))
    repository = options.repository or website.REPOSITORY
    cache = None if options.executed else website.CACHE
    try:
        lessons = website.site(options.out, notebooks, repository, cache)
    except ImportError as error:
        raise ValueError(f"{error}. The website needs: pip install -e '.[site]'") from None
    print(f"{options.out / 'index.html'}: {lessons} lessons")


def student(options):
    """Hand lessons out without their solutions."""
    from cvcourse.classroom.results import notebooks_in  # here, so that the other verbs start quickly
    from cvcourse.classroom.student import hand_out

    print(*hand_out(notebooks_in(options.notebooks), options.folder, options.update), sep="\n")


def assignment(options):
    """Write the source of an assignment."""
    from cvcourse.classroom.assignment import assignment as write

    print(write(options.notebook, options.folder, options.seed_by, options.only_exercises, options.quiz))


def class_release(options):
    """Write what students get of an assignment."""
    from cvcourse.classroom.grading import release

    release(options.folder, options.lesson)
    print(options.folder / "release" / options.lesson)


def class_grade(options):
    """Grade a lesson's submissions."""
    from cvcourse.classroom.grading import grade

    print(*grade(options.folder, options.lesson), sep="\n")


def progress(options):
    """Print what is done in notebooks, by their outputs."""
    from cvcourse.classroom.results import progress as table

    print(table(options.paths))


def class_report(options):
    """Write the page and the table of a class."""
    from cvcourse.classroom.report import report

    print(*report(options.folder, options.to, options.names), sep="\n")


def slides(options):
    """Write a lesson as slides; it is run first, unless a run is kept that is still good."""

    from cvcourse.publishing.executed import executed

    try:
        from cvcourse.publishing.slides import page
    except ImportError as error:
        raise ValueError(f"{error}. Slides need: pip install -e '.[site]'") from None
    path, out = options.notebook, options.out
    notebook = stored.read_notebook(path) if options.executed else executed(path)
    if not any(cell.get("outputs") for cell in notebook.cells):
        raise ValueError(f"{path} has no outputs: leave --executed out, and it is run.")
    number = path.stem[:2]
    out.write_text(page(notebook, f"Lesson {number}" if number.isdigit() else ""), encoding="utf-8")
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB. Open it in a browser; ? shows the keys.")


def clean(options):
    """Run notebooks, keep the output of the checked cells, strip the rest; or only strip them."""
    for path in options.notebooks:
        try:
            notebook = stored.read_notebook(path)
            if not options.strip:
                from cvcourse.publishing.executed import run  # here, so that the other verbs start quickly

                run(notebook, path.parent)
            tidy(notebook, keep_outputs=not options.strip)
            stored.write_notebook(notebook, path)
        except (ValueError, RuntimeError) as error:
            raise ValueError(f"{path} was left as it is. {error}") from None
        print(f"{path}: {'stripped' if options.strip else 'run and cleaned'}")


def tidy(notebook, keep_outputs=True):
    """Bring a notebook into the form in which it is committed, in place.

    Kept are the text outputs and counts of checked cells (with `keep_outputs`), the tags, and the metadata
    that readers of the notebook need: slide types, hidden sources, the kernel's name.

    Raises:
        ValueError: a checked cell shows something that is not plain text, which nbval could not compare.
    """
    notebook.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    for cell in notebook.cells:
        tidy_metadata(cell)
        if cell.cell_type != "code":
            continue
        if keep_outputs and CHECKED in cell.metadata.get("tags", []):
            cell.outputs = [text_output(output, cell) for output in cell.outputs]
        else:
            cell.outputs, cell.execution_count = [], None


def tidy_metadata(cell):
    """Keep the cell's tags, its slide type and whether its source is hidden."""
    old = cell.metadata
    cell.metadata = {name: old[name] for name in ("slideshow", "tags") if old.get(name)}
    if old.get("jupyter", {}).get("source_hidden"):
        cell.metadata["jupyter"] = {"source_hidden": True}


def text_output(output, cell):
    """The output as it is committed: printed text, or the plain text of a value."""
    if output.output_type == "stream" and output.name == "stdout":
        return output
    kinds = output.get("data", {}).keys()
    if output.output_type in ("execute_result", "display_data") and kinds == {"text/plain"}:
        output.metadata = {}
        return output
    shown = "stderr" if output.output_type == "stream" else ", ".join(sorted(kinds)) or output.output_type
    raise ValueError(
        f"A cell tagged {CHECKED} may show plain text only, so that it can be compared. Received: {shown}, "
        f"from the cell that begins {cell.source.splitlines()[0]!r}. Use print(...), or remove the tag."
    )
