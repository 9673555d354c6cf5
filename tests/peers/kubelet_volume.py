"""A volume as the kubelet keeps those of Secrets and ConfigMaps, step by step.

The steps are those of Kubernetes' AtomicWriter (pkg/volume/util/atomic_writer.go): each version is a
folder of its own, named by its time; `..data` links to the present one and is put in place by one
rename; what people see are links through it. No reader ever sees half of a version.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

_DATA = "..data"
_DATA_TMP = "..data_tmp"


class KubeletVolume:
    """One mounted volume; empty as that of an optional Secret which is not there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self.update({})

    def update(self, files: Mapping[str, str | bytes]) -> None:
        """Put a whole version in place of the one before."""
        data = self.folder / _DATA
        before = self.folder / os.readlink(data) if data.is_symlink() else None
        stamp = time.strftime("..%Y_%m_%d_%H_%M_%S.", time.gmtime())
        version = Path(tempfile.mkdtemp(prefix=stamp, dir=self.folder))
        version.chmod(0o755)
        for name, content in files.items():
            raw = content.encode() if isinstance(content, str) else content
            (version / name).write_bytes(raw)
        self._link_new(files)
        (self.folder / _DATA_TMP).symlink_to(version.name)
        os.rename(self.folder / _DATA_TMP, data)
        self._unlink_old(files)
        if before is not None:
            shutil.rmtree(before)

    def _link_new(self, files: Mapping[str, str | bytes]) -> None:
        for name in files:
            seen = self.folder / name
            if not seen.is_symlink():
                seen.symlink_to(Path(_DATA) / name)

    def _unlink_old(self, files: Mapping[str, str | bytes]) -> None:
        for seen in self.folder.iterdir():
            if not seen.name.startswith("..") and seen.name not in files:
                seen.unlink()
