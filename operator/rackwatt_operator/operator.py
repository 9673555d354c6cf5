"""The operator whole: the only module that knows all its rooms."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from rackwatt_operator.cluster.capabilities import Capabilities
from rackwatt_operator.cluster.client import Client
from rackwatt_operator.cluster.listing import Listing
from rackwatt_operator.cluster.login import Login
from rackwatt_operator.cluster.observed import Observed
from rackwatt_operator.handlers import handlers
from rackwatt_operator.plan.defaults import Defaults
from rackwatt_operator.reconcile.applying import Applier
from rackwatt_operator.reconcile.queue import Queue
from rackwatt_operator.reconcile.reconciler import Reconciler
from rackwatt_operator.reconcile.telling import Teller
from rackwatt_operator.watching import Watching


class Operator:
    """x."""

    def __init__(self, login: Login, namespaces: Sequence[str], defaults: Defaults) -> None:
        self.client = Client(login)
        self.observed = Observed()
        self.capabilities = Capabilities(self.client, namespaces)
        reconciler = Reconciler(
            self.observed,
            self.capabilities,
            Applier(self.client, self.observed),
            Teller(self.client, self.observed),
            defaults,
        )
        self.queue = Queue(reconciler.reconcile, 16)
        listing = Listing(self.client, self.observed, namespaces)
        registry = partial(handlers, observed=self.observed, queue=self.queue, login=login)
        self.watching = Watching(self.capabilities, listing, self.queue, registry, namespaces, 600)

    async def run(self, stop: asyncio.Event, started: Callable[[], None]) -> None:
        tasks = [asyncio.create_task(self.queue.run())]
        self.queue.resume()
        await self.watching.run(stop, started)
        await self.queue.drain(10)
        for t in tasks:
            t.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.client.close()
