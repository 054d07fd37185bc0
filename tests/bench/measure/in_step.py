"""When a Seamark that has a seamark-sync of its own is in step with the API server: what it served last is dated by a file."""

import os
import time

SYNCED = ".synced"


def wait(zones, since, seconds=300):
    """Until it was in step at some time after `since` (time.time())."""
    path, end = os.path.join(zones, SYNCED), time.time() + seconds
    while not os.path.exists(path) or os.path.getmtime(path) < since:
        if time.time() > end:
            raise TimeoutError(f"{zones}: not in step with the API server within {seconds} s")
        time.sleep(0.1)
