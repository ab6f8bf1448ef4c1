from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_array

from matcher.plan.highs import LinearProgram, Program, solve_integer


def random_program(seed: int, n: int = 8, k: int = 3) -> Program:
    rng = np.random.default_rng(seed)
    matrix = rng.integers(0, 5, (k, n)).astype(float) * rng.choice([1.0, 1e6], (k, 1))
    lows = np.where(rng.random(k) < 0.3, matrix.sum(axis=1) * 0.1, -np.inf)
    highs = matrix.sum(axis=1) * rng.uniform(0.3, 0.8, k)
    return Program(rng.normal(1, 2, n), csr_array(matrix), lows, highs, np.zeros(n), np.ones(n))


@given(seed=st.integers(0, 10**6))
def test_linear_programs_agree_with_another_interface_also_when_solved_again(seed: int) -> None:
    program = random_program(seed)
    solver = LinearProgram(program)
    rng = np.random.default_rng(seed)
    for _ in range(3):
        gains = rng.normal(0, 1, 8)
        highs = program.highs * rng.uniform(0.5, 1.5, 3)
        highs = np.maximum(highs, program.lows)
        solver.move(highs=highs)
        found = solver.maximise(gains)
        rows = program.matrix.toarray()
        finite = np.isfinite(program.lows)
        other = linprog(
            -gains,
            A_ub=np.vstack([rows, -rows[finite]]),
            b_ub=np.concatenate([highs, -program.lows[finite]]),
            bounds=(0, 1),
        )
        if other.status == 2:
            assert found.status == "infeasible"
            continue
        assert found.bound == pytest.approx(-other.fun, rel=1e-7, abs=1e-7)
        assert found.point is not None
        assert gains @ found.point == pytest.approx(-other.fun, rel=1e-7, abs=1e-7)


@given(seed=st.integers(0, 10**6))
def test_any_multipliers_prove_a_bound(seed: int) -> None:
    program = random_program(seed)
    best = LinearProgram(program).maximise(program.gains)
    if best.point is None:
        return
    duals = np.random.default_rng(seed).normal(0, 1, 3)
    assert program.dual_bound(duals) >= program.gains @ best.point - 1e-7
    assert program.dual_bound(best.duals) == best.bound


@given(seed=st.integers(0, 10**6))
def test_integer_programs_agree_with_another_interface(seed: int) -> None:
    program = random_program(seed)
    found = solve_integer(program, np.ones(8, bool), seconds=10.0)
    other = milp(
        -program.gains,
        constraints=LinearConstraint(program.matrix.toarray(), program.lows, program.highs),
        integrality=1,
        bounds=Bounds(0, 1),
    )
    if other.status == 2:
        assert found.status == "infeasible"
        return
    assert found.status == "optimal"
    assert found.point is not None
    assert set(found.point) <= {0.0, 1.0}
    assert program.gains @ found.point == pytest.approx(-other.fun, abs=1e-7)
    assert found.bound == pytest.approx(-other.fun, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("order", ["first, second = ours, theirs", "first, second = theirs, ours"])
def test_both_copies_of_the_solver_live_in_one_process(order: str) -> None:
    code = f"""
import numpy as np
def ours():
    from scipy.sparse import csr_array
    from matcher.plan.highs import LinearProgram, Program
    one = np.ones(1)
    program = Program(one, csr_array(np.ones((1, 1))), -one, one / 2, 0 * one, one)
    return LinearProgram(program).maximise(one).bound
def theirs():
    from scipy.optimize import linprog
    return -linprog([-1.0], A_ub=[[1.0]], b_ub=[0.5]).fun
{order}
print(first(), second(), first())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0.5", "0.5", "0.5"]
