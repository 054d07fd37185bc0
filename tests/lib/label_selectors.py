"""Label selectors as an API server evaluates them, for fake_apiserver.py."""

import re

REQUIREMENT = re.compile(r"\s*(!?)\s*([\w./-]+)\s*(?:(==|=|!=)\s*([\w.-]*)|(in|notin)\s*\(([^)]*)\))?\s*(?:,|$)")


def selects(selector, labels):
    """Whether `labels`, a dict, meet all requirements of `selector`."""
    at = 0
    while at < len(selector):
        found = REQUIREMENT.match(selector, at)
        if found is None:
            raise ValueError(f"no selector: {selector[at:]}")
        at = found.end()
        absent, key, sign, value, word, values = found.groups()
        value_of = labels.get(key)
        if absent:
            met = value_of is None
        elif sign or word:
            wanted = [value] if sign else [v.strip() for v in values.split(",")]
            met = (value_of in wanted) == (sign in ("=", "==") or word == "in")
        else:
            met = value_of is not None
        if not met:
            return False
    return True


def event_for(selector, what, obj, old):
    """What a watch with that selector hears of a change: (type, object), or None. An object that leaves the selection is
    DELETED, one that enters it ADDED."""
    def matches(o):
        return o is not None and selects(selector, o["metadata"].get("labels") or {})
    before, after = matches(old), what != "DELETED" and matches(obj)
    if not before and not after:
        return None
    if not after:
        gone = {**old, "metadata": {**old["metadata"], "resourceVersion": obj["metadata"]["resourceVersion"]}}
        return "DELETED", gone
    return ("MODIFIED" if before else "ADDED"), obj
