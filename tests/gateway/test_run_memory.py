"""What a run takes of memory grows little with its items: a hundred thousand fit beside everything else."""

import gc
import tracemalloc

from tests.gateway.asking import data, gateway_over
from tests.gateway.fakes import fake
from tests.gateway.records import customer

FEW, MANY = 500, 10_000
MOST_BYTES_EACH = 1_500
"""Of 100,000 items 150 MB. A third of that is an item's ids and its fingerprint; the rest is for what the whole process
may happen to grow by meanwhile."""

STATEMENTS = """mutation { emailStatements(input: {backend: "a"}) {
  dispatch { counts { accepted } } problems { message }
} }"""


async def peak_of(count: int) -> int:
    """The most bytes that a run of so many statements takes at a time, from asking until its last item is settled."""
    a = fake("a", customers=[customer("a", str(n)) for n in range(count)], writes=True, batch=35)
    gateway = gateway_over(a)
    gc.collect()
    tracemalloc.start()
    try:
        sent = (await data(gateway, STATEMENTS))["emailStatements"]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sent == {"dispatch": {"counts": {"accepted": count}}, "problems": []}
    return peak


async def test_a_run_takes_little_memory_for_each_of_its_items() -> None:
    await peak_of(FEW)  # with what is made once
    few, many = await peak_of(FEW), await peak_of(MANY)
    assert many - few <= MOST_BYTES_EACH * (MANY - FEW)
