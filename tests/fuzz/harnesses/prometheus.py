"""Answers of Prometheus's API, joined by their job ids: sums that add up, or a bad reply."""

import math

from rackwatt_crds.jobid import JobidTemplates
from rackwatt_exporter.lustre import getent, join
from rackwatt_exporter.lustre.job_index import JobOwner
from rackwatt_exporter.lustre.join import MissingOwner, PasswdEntry
from rackwatt_exporter.lustre.queries import Measure, dimensions
from rackwatt_exporter.protocols.http.client import HttpResponse
from rackwatt_exporter.protocols.http.prometheus import parse_vector, refusal
from rackwatt_exporter.reading import ReadError, Reason

JSON = True
_TEMPLATES = JobidTemplates(["procname_uid", "%j", "%j:%e.%u"])
_JOBS = {"8000001": JobOwner("phys", "alice")}
_USERS = {0: PasswdEntry("root", 0)}


def examine(data: bytes) -> None:
    """Read it as an answer, as an error, and as what getent prints."""
    assert str(refusal(HttpResponse(503, data, 0.0))).isprintable()
    for _, entry in getent.parse(data, getent.parse_user):
        assert entry.name.isprintable()
    try:
        vector = parse_vector(data)
    except ReadError as error:
        assert error.reason is Reason.BAD_REPLY
        assert str(error).isprintable()
        return
    parts = join.split(join.jobids([vector.samples]), _TEMPLATES)
    owners = join.find_owners(parts, _JOBS, _USERS, {}, MissingOwner.JOB)
    assert join.count_owners(owners).total() == len(parts)
    whole = math.fsum(value for _, value in vector.samples)
    for measure in Measure:
        sums = join.join(vector.samples, owners, dimensions(measure))
        found = math.fsum(value for part in sums for value in part.values())
        assert math.isclose(found, whole, rel_tol=1e-9, abs_tol=1e-9 * _scale(vector.samples))


def _scale(samples: join.Samples) -> float:
    return math.fsum(abs(value) for _, value in samples)
