"""Waiting for something to become true, without sleeping longer than needed."""

import time


def until(probe, *, seconds=20.0, what="the condition", every=0.02):
    """Calls `probe` until it answers something true, and answers that.

    The last answer is part of the failure, so that a test which waited in vain says for what.
    """
    deadline = time.monotonic() + seconds
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s in vain for {what}; last answer: {answer!r}")
        time.sleep(every)
