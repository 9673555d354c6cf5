"""Access to collectors of which none has TLS or a password."""

from typing import cast

from rackwatt_operator.cluster.client import Client
from rackwatt_operator.reconcile.access import Accesses

OPEN = Accesses(cast(Client, None), lambda _: None)
