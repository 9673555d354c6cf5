"""Every kind that a document can select has its row, and is not read as another."""

import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest

from rackwatt_crds.bmc.hosts import Access, Bmc, HostEntry
from rackwatt_crds.endpoints import Url
from rackwatt_crds.fields import Credentials
from rackwatt_crds.grid.zone import Grid
from rackwatt_crds.kinds import METHODS, PROVIDERS, SCHEDULERS, ConnectingKind, Kind, chosen
from rackwatt_crds.model import Model
from rackwatt_crds.node.collectors import Node
from rackwatt_crds.node.energy import PART_SOURCES
from rackwatt_crds.node.requirements import REQUIREMENTS
from rackwatt_crds.node.unit_requirements import GPU_COLLECTORS, GPU_MANAGERS, UNIT_REQUIREMENTS
from rackwatt_crds.node.units import Units
from rackwatt_crds.powertarget import MEASURED, PowerTargetSpec
from rackwatt_crds.schedulerbinding import SchedulerBindingSpec
from rackwatt_crds.schedulers import flux, gridengine, htcondor, lsf, pbs, slurm
from rackwatt_crds.schedulers.commands import Cli
from rackwatt_crds.schedulers.noop import Noop
from rackwatt_crds.schedulers.slurm import Slurm
from rackwatt_crds.status import kind_of, method_of, scheduler_of
from rackwatt_crds.unread import UNREAD


class NextBindingSpec(SchedulerBindingSpec, frozen=True, kw_only=True):
    """A spec with a scheduler that the table does not have."""

    toy: Noop | None = None


class NextGrid(Grid, frozen=True, kw_only=True):
    """A zone with a provider that the table does not have."""

    toy: Noop | None = None


class NextTargetSpec(PowerTargetSpec, frozen=True, kw_only=True):
    """A spec that measures what no other part knows of."""

    toy: Noop | None = None


def models(model: type[Model]) -> dict[str, type[Model]]:
    """List the fields of a model that are models themselves."""
    hints = get_type_hints(model, include_extras=True)
    found = {name: plain(hint) for name, hint in hints.items()}
    return {name: one for name, one in found.items() if is_model(one)}


def is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Model)


def plain(hint: Any) -> Any:
    if get_origin(hint) is Annotated:
        return plain(get_args(hint)[0])
    if get_origin(hint) in (Union, types.UnionType):
        return next(plain(one) for one in get_args(hint) if one is not type(None))
    return hint


def rows(table: Mapping[str, Kind]) -> dict[str, type[Model]]:
    return {kind.field: kind.model for kind in table.values()}


def urls(model: type[Model]) -> Iterator[str]:
    """Yield the paths of the fields that are URLs."""
    names = {field.name: field.encode_name for field in msgspec.structs.fields(model)}
    for name, hint in get_type_hints(model, include_extras=True).items():
        if "://[!-~]+" in str(hint) or ")[!-~]+" in str(hint):
            yield names[name]
    for name, inner in models(model).items():
        yield from (f"{names[name]}.{path}" for path in urls(inner))


def test_the_table_of_methods_has_all_settings_of_a_fleet_and_no_others() -> None:
    own = {name: model for name, model in models(Access).items() if model is not Credentials}
    assert rows(METHODS) == own


def test_the_table_of_schedulers_has_all_choices_of_a_binding_and_no_others() -> None:
    common = models(PowerTargetSpec).keys() | {
        "accounting",
        "lustre",
        "metrics",
        "tracing",
    }  # of any scheduler
    own = {name: one for name, one in models(SchedulerBindingSpec).items() if name not in common}
    assert rows(SCHEDULERS) == own


def test_the_table_of_providers_has_all_choices_of_a_zone_and_no_others() -> None:
    assert rows(PROVIDERS) == models(Grid)


def test_the_settings_inside_a_node_are_those_of_collectors_or_of_the_whole_node() -> None:
    whole = {"units", "energy", "profiling"}
    assert models(Node).keys() - whole <= REQUIREMENTS.keys()
    assert models(Node).keys() >= whole


def test_lists_of_some_collectors_and_managers_name_none_that_the_tables_lack() -> None:
    assert REQUIREMENTS.keys() >= {*GPU_COLLECTORS, *PART_SOURCES}
    assert UNIT_REQUIREMENTS.keys() >= GPU_MANAGERS
    assert UNIT_REQUIREMENTS.keys() == models(Units).keys()


def test_a_target_measures_all_that_no_binding_has() -> None:
    common = {"scheduler_ref", *models(SchedulerBindingSpec)}
    assert set(MEASURED) == models(PowerTargetSpec).keys() - common


@pytest.mark.parametrize(
    ("interfaces", "model"),
    [
        (slurm.INTERFACES, Slurm),
        (gridengine.INTERFACES, gridengine.GridEngine),
        (htcondor.INTERFACES, htcondor.HTCondor),
        (lsf.INTERFACES, lsf.Lsf),
        (flux.INTERFACES, flux.Flux),
        (pbs.INTERFACES, pbs.Pbs),
    ],
    ids=["slurm", "gridengine", "htcondor", "lsf", "flux", "pbs"],
)
def test_a_scheduler_has_an_interface_for_each_of_its_settings(
    interfaces: tuple[str, ...], model: type[Model]
) -> None:
    assert set(interfaces) == models(model).keys()


@pytest.mark.parametrize("kind", [*SCHEDULERS.values(), *PROVIDERS.values()], ids=lambda k: k.name)
def test_the_connections_of_a_kind_have_every_url_even_of_settings_that_cannot_be_read(
    kind: ConnectingKind,
) -> None:
    found = [one.field for one in kind.connections(UNREAD) if isinstance(one, Url)]
    assert sorted(found) == sorted(urls(kind.model))


@pytest.mark.parametrize("kind", SCHEDULERS.values(), ids=lambda kind: kind.name)
def test_the_problems_of_settings_that_cannot_be_read_are_not_guessed(kind: Any) -> None:
    assert not list(kind.problems(UNREAD))


def test_a_spec_chooses_the_kind_whose_field_it_gives() -> None:
    noop = Noop()
    kind, settings = chosen(SCHEDULERS, SchedulerBindingSpec(cluster="c", noop=noop))
    assert (kind.name, settings) == ("noop", noop)


@pytest.mark.parametrize(
    ("given", "found"),
    [({}, "none"), ({"noop": Noop(), "slurm": Slurm(cli=Cli())}, "slurm and noop")],
)
def test_a_spec_that_gives_no_kind_or_several_chooses_none(
    given: dict[str, Any], found: str
) -> None:
    with pytest.raises(ValueError, match=f"exactly one of slurm, .* must be given, found {found}"):
        chosen(SCHEDULERS, SchedulerBindingSpec(cluster="c", **given))


def test_a_scheduler_without_a_row_is_not_called_by_the_name_of_another() -> None:
    with pytest.raises(ValueError, match=f"exactly one of {', '.join(SCHEDULERS)}"):
        scheduler_of(NextBindingSpec(cluster="c", toy=Noop()))


def test_a_provider_without_a_row_is_not_called_by_the_name_of_another() -> None:
    with pytest.raises(ValueError, match="exactly one of static"):
        method_of(PowerTargetSpec(grid=NextGrid(zone="FR", toy=Noop())))


def test_a_target_of_an_unknown_sort_is_not_called_a_grid() -> None:
    spec = NextTargetSpec(toy=Noop())
    with pytest.raises(ValueError, match="exactly one of bmc, node, grid"):
        kind_of(spec)
    with pytest.raises(ValueError, match="neither bmc, node nor grid"):
        method_of(spec)


@pytest.mark.parametrize("method", METHODS)
def test_a_target_is_called_by_each_method(method: str) -> None:
    spec = PowerTargetSpec(bmc=Bmc(method=method, hosts=[HostEntry(names="a", address="b")]))
    assert method_of(spec) == method
    assert msgspec.convert(method, get_type_hints(Access, include_extras=True)["method"]) == method
