"""The models and a real API server accept and reject the same documents."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rackwatt_crds.crd import DEFINITIONS
from rackwatt_crds.decoding import decode
from rackwatt_crds.document import API_VERSION, KINDS
from rackwatt_crds.schema import schema
from tests.cluster import documents
from tests.cluster.clients import Api
from tests.cluster.cluster import Cluster
from tests.crds import strategies as drawn


@pytest.fixture(scope="module")
def api(cluster: Cluster) -> Iterator[Api]:
    documents.install(cluster)
    with Api(cluster) as api:
        yield api


def refusal(api: Api, kind: str, spec: Any) -> str | None:
    """Ask the API server what is wrong with a spec, without anything being kept."""
    answer = api.client.post(
        f"/apis/{API_VERSION}/namespaces/default/{kind.lower()}s",
        params={"dryRun": "All", "fieldValidation": "Strict"},
        json={"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": "a"}, "spec": spec},
    )
    assert answer.is_success or answer.is_client_error, answer.text
    return None if answer.is_success else str(answer.json()["message"])


SPECS = {one.kind: drawn.documents(schema(one.spec)) for one in DEFINITIONS}


@pytest.mark.parametrize("kind", SPECS)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_api_server_accepts_exactly_what_the_models_accept(
    api: Api, kind: str, data: st.DataObject
) -> None:
    spec = data.draw(SPECS[kind])
    _, problems = decode({"metadata": {"name": "a"}, "spec": spec}, KINDS[kind])
    message = refusal(api, kind, spec)
    assert (message is None) == (not problems), (message, [str(problem) for problem in problems])
