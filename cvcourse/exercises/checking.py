"""How an exercise is checked: not done yet, right, wrong, or wrong in a way that we know by name.

An `Exercise` is called with the student's function and compares it with the solution on every case.
If the two differ, it looks for a known mistake that gives the student's results on *all* cases, and names it.
"""

import contextlib
import copy
import ctypes
import functools
import inspect
import io
import os
import sys
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cvcourse.exercises import results
from cvcourse.exercises.hidden import drawn_cases
from cvcourse.exercises.results import Raised, labelled, same, shown

SEED = "CVCOURSE_SEED"  # environment: by it, an answer is tried on cases that nobody has seen
GRADED = "NBGRADER_EXECUTION"  # environment: set by nbgrader; what does not raise earns points


class WrongAnswer(AssertionError):
    """The student's answer is wrong; the message says how. Jupyter shows the message without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return str(self).splitlines()


class TimeLimit(BaseException):
    """Raised inside an answer that takes too long. `except Exception` in the answer does not catch it."""


@dataclass(frozen=True)
class Exercise:
    """An exercise: its solution, the cases to try, the bank of known mistakes. Call it to check an answer.

    Args:
        solution: Function that is right. Its parameter names are used in the messages.
        cases: Argument tuples, at least one. Choose them so that no mistake gives the right results.
        mistakes: What is wrong, by name: keyword arguments of the solution, where it has a switch for this
            mistake, or a function. A name ends the sentence "This is exactly what you get if you …".
        verified: Says what a right answer has shown. Ends the sentence "Right: …".
        observe: What of a result is compared, if not the result itself (of a Keras model its shapes, say).
        prepare: Makes the arguments of one call from a case: a copy, since an answer may change them; or, for
            arguments that are costly to copy, something new built from a short description.
        tolerance: Largest difference of two numbers that count as equal, relative and absolute.
        seconds: How long an answer may work on one case.
        vary: Makes another case of a generator and a case, where `hidden` cannot do it by shuffling.

    Raises:
        WrongAnswer: When called with a wrong answer.

    Example:
        >>> check_double = Exercise(
        ...     solution=lambda x, times=2: times * x, cases=[(1,), (3,)], verified="2x for two numbers",
        ...     mistakes={"square x": lambda x: x * x, "triple x": {"times": 3}},
        ... )
        >>> check_double(lambda x: x + x)
        ✓ Right: 2x for two numbers.
        >>> check_double(lambda x: x * x)
        Traceback (most recent call last):
        ...
        cvcourse.exercises.checking.WrongAnswer: ✗ Not right yet: 2 of 2 cases differ. The first:
          put in    x = 1
          received  1
          expected  2
        This is exactly what you get if you square x.
    """

    solution: Callable
    cases: Sequence[tuple]
    mistakes: Mapping[str, Callable | Mapping]
    verified: str
    observe: Callable = lambda result: result
    prepare: Callable = copy.deepcopy
    tolerance: float = 1e-5
    seconds: float = 10
    vary: Callable | None = None

    def __call__(self, answer: Callable) -> None:
        quiet = contextlib.redirect_stderr(sys.stdout) if os.environ.get(GRADED) else contextlib.nullcontext()
        with quiet:  # nbgrader takes whatever comes to stderr for a failure
            self.judge(answer)

    def judge(self, answer: Callable) -> None:
        """Print that the answer is right or not done yet, or raise WrongAnswer."""
        if not callable(answer):
            raise WrongAnswer(
                "✗ Give the check your function itself, without brackets: check_…(my_function). "
                f"Received: {shown(answer)}"
            )
        received, changed = [], []
        for n, case in enumerate(self.cases):
            arguments = self.prepare(case)
            received.append(self.outcome(answer, case, arguments))
            if isinstance(received[n], Raised) and isinstance(received[n].error, TimeLimit):
                raise WrongAnswer(self.too_slow(answer, n, received[n]))
            pairs = zip(self.named(case), arguments, strict=True)
            changed += [(name, a, b) for (name, a), b in pairs if type(a) is type(b) and not same(a, b)]
        if any(isinstance(r, Raised) and isinstance(r.error, NotImplementedError) for r in received):
            name = getattr(answer, "__name__", "your function")
            words = f"Not done yet: {name} still raises NotImplementedError. Write its body first."
            if os.environ.get(GRADED):
                raise WrongAnswer(words)
            print(words)
            return
        expected = [self.outcome(self.solution, case) for case in self.cases]
        wrong = [n for n, pair in enumerate(zip(received, expected, strict=True)) if not self.agree(*pair)]
        if wrong:
            raise WrongAnswer(self.message(answer, received, expected, wrong))
        if changed:
            raise WrongAnswer(results.changed_argument(*changed[0]))
        seed = os.environ.get(SEED)
        others = self.try_hidden(answer, self.hidden_cases(seed)) if seed else ""
        print(f"✓ Right: {self.verified}.{others}")

    def hidden_cases(self, seed: str) -> list[tuple]:
        """Cases that the exercise does not show, drawn by a seed."""

        def solve(case):
            result = self.outcome(self.solution, case)
            return None if isinstance(result, Raised) else result

        return drawn_cases(self.cases, f"{seed} {self.verified}", solve, self.vary)

    def try_hidden(self, answer: Callable, cases: list[tuple]) -> str:
        """Raise unless the answer is right on these, too; the words tell nothing of what is in them."""
        received, wrong = [], []
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            for n, case in enumerate(cases):
                received.append(self.outcome(answer, case))
                if not self.agree(received[n], self.outcome(self.solution, case)):
                    wrong.append(n)
                if isinstance(received[n], Raised) and isinstance(received[n].error, TimeLimit):
                    break
            name = self.known_mistake(received, cases) if wrong else None
        if wrong:
            count = f"{len(wrong)} of {len(cases)}"
            words = f"✗ Not right yet: the cases above are right, but not {count} new ones."
            raise WrongAnswer(f"{words}\nThis is exactly what you get if you {name}." if name else words)
        return f" So are {len(cases)} new cases." if cases else ""

    def outcome(self, function: Callable, case: tuple, arguments: tuple | None = None):
        """What the function gives for this case, or the exception it raises. It may change its arguments."""
        arguments = self.prepare(case) if arguments is None else arguments
        try:
            # The message will say it better than a warning.
            with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
                return self.observe(within(self.seconds, function, *arguments))
        except (Exception, TimeLimit) as error:  # whatever a student's code may raise
            return Raised(error)

    def variant(self, name: str) -> Callable:
        """The function that makes the mistake of this name."""
        wrong = self.mistakes[name]
        return wrong if callable(wrong) else functools.partial(self.solution, **wrong)

    def named(self, case: tuple) -> list[tuple]:
        """The arguments of a case with their names, as the solution calls them."""
        return list(zip(inspect.signature(self.solution).parameters, case, strict=False))

    def agree(self, one, other) -> bool:
        """Whether two outcomes are the same: equal results, or exceptions of one type."""
        if isinstance(one, Raised) or isinstance(other, Raised):
            return type(one) is type(other) and type(one.error) is type(other.error)
        return same(one, other, self.tolerance)

    def known_mistake(self, received: list, cases: Sequence[tuple]) -> str | None:
        """The name of the mistake that gives these outcomes on every case, or None."""
        for name in self.mistakes:
            pairs = zip(received, cases, strict=False)  # a case that took too long was the last
            if all(self.agree(one, self.outcome(self.variant(name), case)) for one, case in pairs):
                return name
        return None

    def message(self, answer: Callable, received: list, expected: list, wrong: list[int]) -> str:
        first = wrong[0]
        lines = [
            f"✗ Not right yet: {len(wrong)} of {len(self.cases)} cases differ. The first:",
            self.put_in(first),
            labelled("  received ", results.shown_outcome(received[first], answer)),
            labelled("  expected ", shown(expected[first])),
            *results.first_difference(received[first], expected[first], self.tolerance),
        ]
        name = self.known_mistake(received, self.cases)
        if name:
            lines.append(f"This is exactly what you get if you {name}.")
        elif received[first] is None:
            lines.append("Your function gave back None: does it end with `return …`?")
        return "\n".join(lines)

    def put_in(self, n: int) -> str:
        lines = [labelled(f"{name} =", shown(value)) for name, value in self.named(self.cases[n])]
        return labelled("  put in   ", "\n".join(lines))

    def too_slow(self, answer: Callable, n: int, outcome: Raised) -> str:
        return (
            f"✗ Not right yet: after {self.seconds:g} seconds your function was still at work.\n"
            f"{self.put_in(n)}\n{labelled('  stopped  ', results.own_line(outcome, answer).strip())}\n"
            "Does each of its loops come to an end?"
        )


def within(seconds: float, function: Callable, *arguments):
    """What the function returns. When the seconds are over, TimeLimit is raised inside it.

    A thread asks CPython for that, again and again in case a bare `except:` swallows it. It needs no signals,
    so it works in a notebook on any system. (A single call into C, such as a matrix product, ends first.)
    """
    caller, over, late = ctypes.c_ulong(threading.get_ident()), threading.Event(), threading.Event()

    def watch():
        wait = seconds
        while not over.wait(wait):
            late.set()
            ctypes.pythonapi.PyThreadState_SetAsyncExc(caller, ctypes.py_object(TimeLimit))
            wait = 0.1

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        try:
            return function(*arguments)
        finally:
            over.set()
    finally:
        over.set()  # even if TimeLimit came just before the first one
        watcher.join()
        if late.is_set():  # under a profiler, CPython 3.11 hangs after this call
            ctypes.pythonapi.PyThreadState_SetAsyncExc(caller, None)  # none may arrive later


def small_numbers(rng, low: int, high: int) -> Callable:
    """A function of a shape that draws whole numbers, with which a student can follow a message on paper."""
    return lambda *shape: rng.integers(low, high, shape).astype("float32")


def indices(result):
    """Observe a result that is used as an index: whole numbers as float do not count as equal to int.

    >>> indices(np.array([2, 0])), indices(np.array([2.0, 0.0]))
    (array([2, 0]), 'float64 [2.0, 0.0]: an index is an int')
    """
    array = np.asarray(result)
    if array.dtype.kind != "f" or not np.array_equal(array, array.round()):
        return result
    return f"{array.dtype} {array.tolist()}: an index is an int"


def exercises_of(module) -> dict[str, Exercise]:
    """All exercises of a module by name, for instance {"check_output_size": Exercise(…)}."""
    return {name: value for name, value in vars(module).items() if isinstance(value, Exercise)}
