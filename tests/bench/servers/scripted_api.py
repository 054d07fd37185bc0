"""An API server with a cluster's objects, for whoever reads them from one: tests/lib/fake_apiserver.py, which lists and watches."""

import contextlib
import json

from fake_apiserver import FakeApiServer


def fill(api, objects):
    for obj in objects:
        api.put(obj)
    api.history.clear()  # nobody has watched yet


def objects_of(path):
    """Those of a List in a file."""
    with open(path, encoding="ascii") as f:
        return json.load(f)["items"]


@contextlib.contextmanager
def serving(path):
    """with serving(path) as api: ...; None where there is no path."""
    if path is None:
        yield None
        return
    with FakeApiServer(streams=True) as api:
        fill(api, objects_of(path))
        yield api
