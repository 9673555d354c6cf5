"""Parser of `qstat -f -xml`: each queue instance with its jobs, and the jobs that wait."""

import re
from typing import NamedTuple
from xml.etree.ElementTree import Element

from rackwatt_exporter.schedulers.gridengine.numbers import parse_count, parse_time_s
from rackwatt_exporter.schedulers.model.fields import name
from rackwatt_exporter.schedulers.xml_records import records, texts

# Every queue instance, with the reasons of its state.
QUEUES = ("-f", "-explain", "aAcE", "-xml")
# The jobs of every user, with project, times and requests.
JOBS = ("-u", "*", "-s", "prs", "-ext", "-pri", "-r")
_MAX_LETTERS = 40
_HOST = re.compile(rb"<name>[^<@]*@([^<]+)</name>")


class JobLine(NamedTuple):
    """One `job_list`: a job, a task of an array, or the tasks of one that wait.

    `queue` and `host` are where it has `slots`, empty where it waits for them.
    """

    number: str
    tasks: str
    letters: str
    user: str
    project: str
    slots: int | None
    started_at_s: int | None
    submitted_at_s: int | None
    requested_queues: tuple[str, ...]
    queue: str
    host: str


class QueueInstance(NamedTuple):
    """A queue on a host; `slots_used` is None where it could not be read, as are jobs."""

    host: str
    queue: str = ""
    letters: str = ""
    slots_used: int | None = None
    messages: tuple[str, ...] = ()
    jobs: tuple[JobLine | None, ...] = ()


class Queues(NamedTuple):
    """Queue instances and the jobs that wait; None is a job that could not be read.

    `unread` queue instances could not be read; `lost` is whether the host of one is not known.
    """

    instances: tuple[QueueInstance, ...]
    waiting: tuple[JobLine | None, ...]
    unread: int
    lost: bool


def parse_queues(output: bytes) -> Queues:
    """Parse what qstat printed.

    Raises:
        ReadError: bad_reply where it is no XML of qstat.
    """
    instances: list[QueueInstance] = []
    waiting: list[JobLine | None] = []
    unread, lost = 0, False
    for tag, element, text in records(output, "job_info", "Queue-List", "job_list"):
        if tag == "job_list":
            waiting.append(None if element is None else _job(element))
        elif element is not None and (instance := _instance(element)):
            instances.append(instance)
        else:
            unread += 1
            host = _host(text)
            lost = lost or not host
            instances += (QueueInstance(host),) if host else ()
    return Queues(tuple(instances), tuple(waiting), unread, lost)


def _instance(element: Element) -> QueueInstance | None:
    fields = texts(element)
    queue, _, host = map(name, fields.get("name", "").partition("@"))
    if not queue or not host:
        return None
    return QueueInstance(
        host,
        queue,
        letters=fields.get("state", "")[:_MAX_LETTERS],
        slots_used=parse_count(fields.get("slots_used")),
        messages=tuple(message.text or "" for message in element.findall("message")),
        jobs=tuple(_job(job, queue, host) for job in element.findall("job_list")),
    )


def _host(text: bytes) -> str:
    """Return the host of a malformed queue instance; empty where its name is malformed, too."""
    found = _HOST.search(text)
    return name(found[1].decode("utf-8", "replace")) if found else ""


def _job(element: Element, queue: str = "", host: str = "") -> JobLine | None:
    fields = texts(element)
    number = fields.get("JB_job_number", "")
    if not parse_count(number):
        return None
    return JobLine(
        number,
        tasks=fields.get("tasks", ""),
        letters=fields.get("state", "")[:_MAX_LETTERS],
        user=name(fields.get("JB_owner", "")),
        project=name(fields.get("JB_project", "")),
        slots=parse_count(fields.get("slots")),
        started_at_s=parse_time_s(fields.get("JAT_start_time")),
        submitted_at_s=parse_time_s(fields.get("JB_submission_time")),
        requested_queues=tuple(each.text or "" for each in element.findall("hard_req_queue")),
        queue=queue,
        host=host,
    )
