"""Settings said in several places: the document, the defaults of the cluster, our own.

Objects are merged key by key, the closest word winning; lists and words are replaced whole, so that
an empty list is a way to say "none".
"""

from typing import Any

import msgspec

from rackwatt_crds.model import Model


def plain(model: Model | None) -> dict[str, Any]:
    """Write a model as Kubernetes spells it, without what is not said."""
    return _without_none(msgspec.to_builtins(model)) if model is not None else {}


def layered(*layers: dict[str, Any]) -> dict[str, Any]:
    """Merge layers, the closest first."""
    merged: dict[str, Any] = {}
    for layer in layers:
        merged = _over(merged, layer)
    return merged


def _over(near: dict[str, Any], far: dict[str, Any]) -> dict[str, Any]:
    merged = far | near
    for key in far.keys() & near.keys():
        if isinstance(near[key], dict) and isinstance(far[key], dict):
            merged[key] = _over(near[key], far[key])
    return merged


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_none(item) for item in value]
    return value
