"""The web configuration: either the file's content, or every problem, without a key."""

import re
import tempfile
from pathlib import Path

from rackwatt_exporter.web.web_config_file import WebConfigError, fingerprint, read
from tests.exporter.web.tls_files import WebFiles

_FOLDER = tempfile.TemporaryDirectory(prefix="web-config-")
_FILE = Path(_FOLDER.name) / "web.yml"
_HASH = re.compile(rb"\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}")

WebFiles(_FILE.parent)  # the files that the seeds name


def examine(data: bytes) -> None:
    """Read any file."""
    _FILE.write_bytes(data)
    assert fingerprint(_FILE)[0]
    try:
        found = read(_FILE)
    except WebConfigError as error:
        assert error.problems
        message = str(error)
        assert not any(kept.decode() in message for kept in _HASH.findall(data))
        return
    for name, kept in found.users.items():
        assert name.isprintable()
        assert ":" not in name
        assert _HASH.fullmatch(kept.encode())
    assert all(value.isascii() and not set(value) & set("\r\n") for value in found.headers.values())
    assert (found.tls is None) == (found.tls_files is None)
