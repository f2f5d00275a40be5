"""Cases that nobody has seen: right answers pass them, copied ones do not, and no word tells of them."""

import importlib
import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from test_exercises import CHECKS
from test_exercises_nearly_right import EQUAL, LESSONS, built, mutants, names_of, passes, solutions

from cvcourse.exercises import pooling
from cvcourse.exercises.checking import SEED, WrongAnswer

NONE = ["transfer_learning.check_freeze_base"]  # two small networks, and nothing else that could be another
SLOW = "transfer_learning", "vgg16.check_build_vgg", "compilation.check_training"  # they build networks


def seeds(name, many):
    return map(str, range(max(1, many // 10) if name.startswith(SLOW) else many))


@pytest.fixture
def named(request):
    return request.node.callspec.id


@pytest.mark.parametrize("check", CHECKS)
def test_the_solution_passes_whatever_the_seed(check, named, monkeypatch, capsys):
    for seed in seeds(named, 20):
        cases = check.hidden_cases(seed)
        assert (not cases) == (named in NONE)
        check.try_hidden(check.solution, cases)
    monkeypatch.setenv(SEED, "Ada")
    check(check.solution)
    assert (" new cases." in capsys.readouterr().out) == (named not in NONE)


@pytest.mark.parametrize("check", CHECKS)
def test_results_that_were_shown_are_no_answer(check, named):
    if named not in NONE:
        for seed in seeds(named, 10):
            cases = check.hidden_cases(seed)
            expected = [check.outcome(check.solution, case) for case in check.cases]
            received = iter(expected * len(cases))
            with pytest.raises(AssertionError):  # in the order in which they were shown
                for case in cases:
                    assert check.agree(next(received), check.outcome(check.solution, case))
            assert not any(check.agree(case, shown) for case in cases for shown in check.cases)


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_the_lessons_own_answers_and_equally_right_ones_pass(lesson):
    module, scope = importlib.import_module(f"cvcourse.exercises.{lesson.stem[3:]}"), names_of(lesson)
    for name, tree in solutions(lesson):
        key, check = f"{lesson.stem[3:]}.{name}", getattr(module, name)
        equal = [built(mutant, scope) for words, mutant in mutants(tree) if words in EQUAL.get(key, ())]
        answers = [built(tree, scope), *(answer for answer in equal if passes(check, answer))]
        for seed in seeds(key, 5):
            cases = check.hidden_cases(seed)
            for answer in answers:
                check.try_hidden(answer, cases)


def test_nearly_every_mistake_fails_on_hidden_cases_alone_and_is_named():
    found, all_of_them = 0, 0
    for parameters in CHECKS:
        check = parameters.values[0]
        if parameters.id.startswith(SLOW):
            continue
        drawn = [cases for seed in range(2) if (cases := check.hidden_cases(str(seed)))]
        for name in check.mistakes:
            messages = []
            for cases in drawn:
                try:
                    check.try_hidden(check.variant(name), cases)
                except WrongAnswer as error:
                    messages.append(str(error))
            found += any(f"you {name}." in message for message in messages)
            all_of_them += 1
    assert found / all_of_them > 0.95


def test_feedback_does_not_tell_what_is_hidden(monkeypatch, capsys):
    monkeypatch.setenv(SEED, "Ada")
    check = pooling.check_max_pool
    seen, known = [], iter(check.cases)

    def answer(image, pool_size, strides):
        seen.append(image)
        print("put in", image)
        if next(known, None):
            return check.solution(image, pool_size, strides)
        raise ValueError(image)

    with pytest.raises(WrongAnswer, match=r"the cases above are right, but not 3 of 3 new ones\.$") as caught:
        check(answer)
    assert len(seen) == 6 and capsys.readouterr().out.count("put in") == 3  # those that everybody sees
    assert set(re.findall(r"\d+", str(caught.value))) == {"3"}
    monkeypatch.setenv(SEED, "Bob")
    assert not any(check.agree(one, other) for one, other in zip(
        check.hidden_cases("Ada"), check.hidden_cases("Bob"), strict=True))  # fmt: skip
