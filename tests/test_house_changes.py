"""Changes that those who come after will want stay small: done on a copy of the package, and tried there."""

import pytest
from house.changes import CHANGES


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.what)
def test_a_change_arrives_and_touches_few_files(change):
    assert change.arrives() == ""
    assert change.touched <= change.most
