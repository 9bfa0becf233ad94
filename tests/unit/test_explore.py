# SPDX-License-Identifier: MIT
"""The kernel's own locks, wait queues, futexes and run queues, run in every order (docs/models.md)."""
import pathlib
import re
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent / "explore"))
import explore  # noqa: E402


@pytest.fixture(scope="session")
def objects(tmp_path_factory, built):
    return tmp_path_factory.mktemp("explore")


@pytest.mark.parametrize("unit", explore.UNITS)
def test_every_schedule_of(unit, objects):
    """Each scenario in each order of its steps, and of its stores' becoming visible."""
    right, text = explore.run(explore.build(unit, objects))
    print(text)
    assert right and "NOT ALL" not in text
    assert text.count("\nok ") + text.startswith("ok ") == text.count("\n") > 0


@pytest.mark.parametrize("unit", explore.UNITS)
def test_few_preemptions_of_large_scenarios(unit, objects):
    right, text = explore.run(explore.build(unit, objects), "-a", "-b", 0, "-p", 2, "-s", 500000)
    print(text)
    assert right and "NOT ALL" not in text


@pytest.mark.slow
@pytest.mark.parametrize("unit", explore.UNITS)
def test_every_schedule_of_large_scenarios(unit, objects):
    """For run queues, stores are visible at once."""
    right, text = explore.run(explore.build(unit, objects), "-a", *explore.LARGE.get(unit, []))
    print(text)
    assert right and "NOT ALL" not in text


@pytest.mark.slow
def test_run_queues_by_chance(objects):
    """The scenarios that are too large to be explored in full with stores that are seen late."""
    right, text = explore.run(explore.build("runqueues", objects), "-a", "-r", 100000)
    print(text)
    assert right


@pytest.mark.parametrize("mutant", explore.MUTANTS, ids=lambda m: m.name)
def test_mutant_is_found(mutant, objects):
    explore.build(mutant.unit, objects)
    wrong, text = explore.judge(mutant, explore.build_mutant(mutant, objects))
    print(text)
    assert not wrong, f"{mutant.words}: {wrong}"


def test_a_schedule_is_replayed_by_its_number(objects):
    """Step by step as it was printed, with the place of each; by chance, too."""
    mutant = next(m for m in explore.MUTANTS if m.name == "mutex-no-guard")
    explore.build(mutant.unit, objects)
    mutant = mutant._replace(name="replayed")
    program = explore.build_mutant(mutant, objects)
    for options in (), ("-r", "1000"):
        _, text = explore.run(program, *options, mutant.scenario)
        again = re.search(r"^# again: (.*)$", text, re.M)[1].split()
        _, second = explore.run(program, *again)
        first = text[text.index("#    1"):]
        assert first == second[second.index("#    1"):]
        assert "mutex.c:" in first and "locked: mutex" in first


def test_a_scenario_that_does_not_exist(objects):
    with pytest.raises(SystemExit, match="no scenario nothing; there are: spinlock-2 "):
        explore.run(explore.build("locks", objects), "nothing")
