"""What a job reports of its processes: a report within its bounds, or a reason."""

from html import escape

from rackwatt_exporter.schedulers.model.trace import decode_report
from rackwatt_exporter.schedulers.views import slurm_traces, traces

JSON = True


def examine(data: bytes) -> None:
    """Decode it, and make its series."""
    try:
        report = decode_report(data)
    except ValueError as error:
        assert str(error).isprintable()
        return
    assert report.job
    assert all(word.isprintable() and len(word) <= 255 for word in map(str, report.key))
    assert "<" not in escape(report.username)
    for line in traces.text(("s", "c"), report).values():
        assert 0 <= float(line.rpartition(b" ")[2]) <= 2**60
        assert line.count(b"\n") == 1
    assert all(sample.value >= 0 for sample in slurm_traces.samples([report], None))
