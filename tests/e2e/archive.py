"""An image of a few files, as an archive that containerd imports: no engine and no registry.

The format is that of `docker save`: one layer, a configuration that names it, and a manifest.
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable
from pathlib import Path


def write(archive: Path, image: str, files: Iterable[Path], folder: str = "/bin") -> None:
    """Write an image `localhost/NAME:1` that runs its first file.

    Files that lie below /lib keep their paths; the others go to a folder.
    """
    paths = list(files)
    layer = _layer({_path_in_image(path, folder): path for path in paths})
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Entrypoint": [_path_in_image(paths[0], folder)]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    named = {"Config": "config.json", "RepoTags": [f"localhost/{image}:1"], "Layers": ["layer.tar"]}
    with tarfile.open(archive, "w") as tar:
        _add(tar, "layer.tar", layer)
        _add(tar, "config.json", json.dumps(config).encode())
        _add(tar, "manifest.json", json.dumps([named]).encode())


def _path_in_image(path: Path, folder: str) -> str:
    return str(path) if path.parts[1].startswith("lib") else f"{folder}/{path.name}"


def _layer(files: dict[str, Path]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, path in files.items():
            _add(tar, name.lstrip("/"), path.read_bytes())
    return out.getvalue()


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    about = tarfile.TarInfo(name)
    about.size, about.mode = len(content), 0o755
    tar.addfile(about, io.BytesIO(content))
