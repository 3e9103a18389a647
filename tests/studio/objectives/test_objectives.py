"""Every objective declares itself wholly."""

import pytest

from studio.objectives import OBJECTIVES, Objective


@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)
def test_an_objective_says_what_it_is_and_which_roles_it_takes(objective: Objective) -> None:
    assert objective.title
    assert objective.sentence.endswith(".")
    assert all(role.title and role.description for role in objective.roles)
    assert objective.role_sets
    assert frozenset[str]().union(*objective.role_sets) <= {role.name for role in objective.roles}
    assert objective.metrics
