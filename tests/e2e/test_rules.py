"""The list of known differences is no longer than it must be. Runs last (conftest.py)."""

import pytest

from compare import RULES

USERS = {"test_autopath.py", "test_changes.py", "test_compare.py", "test_external.py", "test_forward.py", "test_generated.py", "test_multicluster.py",
         "test_protocol.py", "test_rewrite.py", "test_template.py", "test_zonal.py"}  # fmt: skip


def test_every_known_difference_is_seen(request, standing_in):
    """A rule that nothing needs any more hides the next difference of its kind."""
    if standing_in or request.config.option.keyword or not USERS <= {item.path.name for item in request.session.items}:
        pytest.skip("only a part of the tests runs, or another program in Seamark's place")
    unused = [rule.id for rule in RULES if not rule.used]
    assert not unused, f"docs/differences.md lists what no longer differs: {', '.join(unused)}"
