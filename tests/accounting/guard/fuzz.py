"""Random PromQL against the guard: `python -m tests.accounting.guard.fuzz N [SEED]`.

Each query that the guard would send is read a second time, and must select no foreign series.
"""

import sys
import time
from collections import Counter
from random import Random

from rackwatt_accounting.guard.expression import Expression
from rackwatt_accounting.guard.refusal import GuardError
from rackwatt_accounting.guard.span import Times, span
from tests.accounting.guard import grammar
from tests.accounting.guard.reading import selectors
from tests.accounting.guard.series import FAMILIES, MINE, WORLD

TIMES = Times(1_700_000_000.0, 1_700_003_600.0)


def sent(text: str, ids: tuple[str, ...]) -> str | None:
    """Return what the guard would send for a query; None where it refuses it."""
    try:
        expression = Expression(text)
        span(expression.root, TIMES, 300.0)
        among = expression.ids(FAMILIES)
        owned = [one for one in ids if among is None or one in among]
        return expression.enforced(FAMILIES, owned)
    except GuardError:
        return None


def check(text: str, ids: tuple[str, ...] = MINE) -> tuple[bool, int]:
    """Return whether a query is passed on, and how many of the caller's series it selects.

    Raises:
        AssertionError: it selects foreign ones.
    """
    out = sent(text, ids)
    if out is None:
        return False, 0
    own = [one for one in WORLD.mine if one["unit"] in ids]
    selected = 0
    for selector in selectors(out):
        foreign = [
            one for one in (*WORLD.foreign, *WORLD.mine) if one not in own and selector.matches(one)
        ]
        assert not foreign, f"{text!r} is sent as {out!r}, which selects {foreign[:2]}"
        selected += sum(map(selector.matches, own))
    return True, selected


def run(tries: int, seed: int) -> Counter[str]:
    """Try that many queries; a caller has all, one or none of the units."""
    random, counts = Random(seed), Counter[str]()
    for _ in range(tries):
        ids = random.choice((MINE, MINE, MINE[:1], ()))
        passed, selected = check(grammar.query(random), ids)
        counts["passed" if passed else "refused"] += 1
        counts["selects"] += selected > 0
    return counts


if __name__ == "__main__":
    tries = int(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    started_s = time.monotonic()
    found = run(tries, seed)
    took_s = time.monotonic() - started_s
    print(f"{tries} tries, seed {seed}: {dict(found)}, no foreign series, {took_s:.0f} s")
