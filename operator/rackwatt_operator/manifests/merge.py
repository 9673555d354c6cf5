"""Deep merge of settings: those of a resource, the defaults of the cluster, built-in ones.

Objects are merged key by key, and the first layer has precedence. Lists and scalars are replaced
whole, so that an empty list means none.
"""

from typing import Any

import msgspec

from rackwatt_crds.model import Model


def plain(model: Model | None) -> dict[str, Any]:
    """Return a model as Kubernetes spells it, without fields that are not set."""
    return _without_none(msgspec.to_builtins(model)) if model is not None else {}


def deep_merge(*layers: dict[str, Any]) -> dict[str, Any]:
    """Merge layers, from the highest precedence to the lowest."""
    merged: dict[str, Any] = {}
    for layer in layers:
        merged = _over(merged, layer)
    return merged


def _over(high: dict[str, Any], low: dict[str, Any]) -> dict[str, Any]:
    merged = low | high
    for key in low.keys() & high.keys():
        if isinstance(high[key], dict) and isinstance(low[key], dict):
            merged[key] = _over(high[key], low[key])
    return merged


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_none(item) for item in value]
    return value
