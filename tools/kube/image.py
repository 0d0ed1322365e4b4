"""The image that holds a pod's namespaces, written by hand: one program in one layer."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import platform
import tarfile
from pathlib import Path
from typing import Any

PAUSE = "localhost/pause:1"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_OCI = "application/vnd.oci.image"


def _archive(path: Path, files: dict[str, bytes], mode: int = 0o644) -> None:
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            archive.addfile(entry, io.BytesIO(content))


def _described(kind: str, content: bytes, **more: Any) -> dict[str, Any]:
    digest = hashlib.sha256(content).hexdigest()
    return {"mediaType": f"{_OCI}.{kind}", "digest": f"sha256:{digest}", "size": len(content), **more}


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document).encode()


def write(path: Path, program: Path, name: str = PAUSE) -> Path:
    """Writes an OCI image layout (OCI Image Specification, "Image Layout") whose only file is ``program``."""
    layer_path = path.with_suffix(".layer")
    _archive(layer_path, {program.name: program.read_bytes()}, 0o755)
    plain = layer_path.read_bytes()
    layer_path.unlink()
    layer = gzip.compress(plain, 1)
    config = _json(
        {
            "architecture": _ARCHITECTURES.get(platform.machine(), platform.machine()),
            "os": "linux",
            "config": {"Entrypoint": [f"/{program.name}"]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(plain).hexdigest()}"]},
        }
    )
    parts = {
        "schemaVersion": 2,
        "mediaType": f"{_OCI}.manifest.v1+json",
        "config": _described("config.v1+json", config),
        "layers": [_described("layer.v1.tar+gzip", layer)],
    }
    manifest = _json(parts)
    named = _described("manifest.v1+json", manifest, annotations={"io.containerd.image.name": name})
    blobs = {f"blobs/sha256/{hashlib.sha256(blob).hexdigest()}": blob for blob in (layer, config, manifest)}
    index = _json({"schemaVersion": 2, "manifests": [named]})
    _archive(path, {"oci-layout": _json({"imageLayoutVersion": "1.0.0"}), "index.json": index, **blobs})
    return path
