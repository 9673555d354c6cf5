"""Settings of the collector of AMD's GPUs."""

from typing import Annotated

from msgspec import Meta

from rackwatt_crds.model import Model


class Amd(Model, frozen=True, kw_only=True):
    """How GPUs of AMD are read."""

    command: Annotated[
        Annotated[
            list[Annotated[str, Meta(min_length=1, max_length=4096)]],
            Meta(
                min_length=1, max_length=16, extra_json_schema={"x-kubernetes-list-type": "atomic"}
            ),
        ]
        | None,
        Meta(
            description="The words of amd-smi, which is run instead of reading the files of the "
            "driver, such as `[amd-smi]`; `static --json` and `metric --json` are added. "
            "Default: none."
        ),
    ] = None
