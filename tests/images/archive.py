"""An image read from its archive: the configuration and every file."""

import hashlib
import json
import posixpath
import tarfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

VENV = "opt/rackwatt"


@dataclass(frozen=True)
class File:
    """One entry of an image; `content` is a digest, or where a link leads."""

    mode: int
    owner: tuple[int, int]
    content: str
    head: bytes
    time_s: int

    @property
    def timeless(self) -> tuple[object, ...]:
        """Give all of it but its time."""
        return self.mode, self.owner, self.content


class Image:
    """An OCI archive, as `scripts/images` writes it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def config(self) -> dict[str, Any]:
        """Return its configuration."""
        found: dict[str, Any] = self._json(self._manifest["config"]["digest"])["config"]
        return found

    @cached_property
    def files(self) -> dict[str, File]:
        """List its files, the upper layers' before the lower ones'."""
        found: dict[str, File] = {}
        for layer in self._manifest["layers"]:
            with tarfile.open(self.path) as archive:
                blob = archive.extractfile(_place(layer["digest"]))
                assert blob
                with tarfile.open(fileobj=blob, mode="r|gz") as tar:
                    found |= {posixpath.normpath(one.name): _file(tar, one) for one in tar}
        return found

    @property
    def packages(self) -> set[str]:
        """Name what can be imported of what was installed."""
        parts = [path.split("/") for path in self.files if path.startswith(f"{VENV}/lib/")]
        return {one[5].removesuffix(".py") for one in parts if len(one) > 5}

    @property
    def distributions(self) -> dict[str, str]:
        """Return the version of every installed distribution."""
        infos = [name.removesuffix(".dist-info") for name in self.packages if "dist-info" in name]
        pairs = [info.rsplit("-", 1) for info in infos]
        return {name.lower().replace("_", "-"): version for name, version in pairs}

    @cached_property
    def _manifest(self) -> dict[str, Any]:
        with tarfile.open(self.path) as archive:
            index = archive.extractfile("index.json")
            assert index
            (only,) = json.load(index)["manifests"]
        return self._json(only["digest"])

    def _json(self, digest: str) -> dict[str, Any]:
        with tarfile.open(self.path) as archive:
            blob = archive.extractfile(_place(digest))
            assert blob
            found: dict[str, Any] = json.load(blob)
            return found


def _place(digest: str) -> str:
    return "blobs/" + digest.replace(":", "/")


def _file(tar: tarfile.TarFile, about: tarfile.TarInfo) -> File:
    stream = tar.extractfile(about) if about.isreg() else None
    content = stream.read() if stream else b""
    digest = hashlib.sha256(content).hexdigest() if stream else about.linkname
    return File(about.mode, (about.uid, about.gid), digest, content[:16], int(about.mtime))
