"""The fingerprint of a step: everything its result depends on, as named parts, and the key made of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from functools import cached_property
from typing import Any

from nbpipe.core.record import dataclass
from nbpipe.core.shape import is_shaped

SCHEME = 1
"""Number of the way in which parts are counted; part of every key."""

PARTS = ("code", "command", "inputs", "parameters", "environment", "settings", "version")
"""Kinds of ingredients, in the order in which reasons are given."""

_TEXTS = "Mapping[str, str]"
_WHOLE = {"parts": "Mapping[str, Mapping[str, Any]]", "evidence": "Mapping[str, Any]", "scheme": "int"}
_PARTS = {"code": _TEXTS, "inputs": _TEXTS, "environment": _TEXTS, "version": _TEXTS}
_COMMAND = {"script": "str", "arguments": "tuple[str, ...]"}
_EVIDENCE = {
    "files": _TEXTS,
    "options": _TEXTS,
    "shared": "Mapping[str, list[str]]",
    "inputs": "Mapping[str, Mapping[str, Any]]",
}
_SHOWN = {"name": "str", "from": "str", "rows": "int", "bytes": "int", "files": "int"}
"""What a stored fingerprint is made of, as annotations."""


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=True)


def canonical(value: Any) -> bytes:
    """JSON of a value in the one form that is hashed: sorted keys, no blanks, ASCII.

    Example:
        >>> canonical({"b": 1, "a": [True, None]})
        b'{"a":[true,null],"b":1}'
    """
    return _CANONICAL.encode(value).encode()


def digest_of(value: Any) -> str:
    """SHA-256 of a JSON value, as 64 hex digits."""
    return hashlib.sha256(canonical(value)).hexdigest()


@dataclass(frozen=True)
class Fingerprint:
    """Named parts of everything that a step's result depends on.

    Not counted: the step's name, the pipeline's, ``allow_reuse``, the compute target, where inputs lie, the
    clock.

    Attributes:
        parts: kind -> name -> value; a value is a digest, or the thing itself where it is short (a
            parameter's value, a package's version, the words of the command).
        evidence: what is kept beside it so that a reason can show more than a digest (digests of the files'
            bytes, rows of the inputs, options of the parameters); never part of the key.
        unknown: names of inputs whose content is not known yet, since a step upstream may still change it.

    Example:
        >>> one = Fingerprint({"parameters": {"lr": 0.1}})
        >>> two = Fingerprint({"parameters": {"lr": 0.2}})
        >>> one.key == two.key, list(one.differences(two))
        (False, [('parameters', 'lr', 0.1, 0.2)])
    """

    parts: Mapping[str, Mapping[str, Any]]
    evidence: Mapping[str, Any] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()
    scheme: int = SCHEME

    @cached_property
    def key(self) -> str:
        """SHA-256 over scheme and parts; ``ValueError`` while an input is unknown."""
        if self.unknown:
            raise ValueError(f"inputs not known yet: {', '.join(sorted(self.unknown))}")
        return digest_of({"scheme": self.scheme, "parts": {kind: self.part(kind) for kind in PARTS}})

    @cached_property
    def likeness(self) -> str:
        """SHA-256 over everything but the content of inputs: the same before and after they are known.

        Two fingerprints of one likeness may differ in nothing but what their inputs contain.
        """
        parts = {kind: self.part(kind) for kind in PARTS if kind != "inputs"}
        return digest_of({"scheme": self.scheme, "parts": parts, "inputs": sorted(self.input_names)})

    def part(self, kind: str) -> Mapping[str, Any]:
        """Names and values of one kind; empty where the step has none."""
        return self.parts.get(kind, {})

    @property
    def input_names(self) -> set[str]:
        """Names of all inputs, those that are not known yet among them."""
        return {*self.part("inputs"), *self.unknown}

    def with_inputs(self, found: Mapping[str, str], shown: Mapping[str, Any] | None = None) -> Fingerprint:
        """This fingerprint with the content digests of some inputs known.

        Args:
            found: input port -> digest of its content.
            shown: input port -> what a reason may show of it (``name``, ``rows``, ``bytes``).

        Returns:
            The same object as the last time, if it was the same then: its key is known already.
        """
        told: object
        last: Fingerprint | None
        told, last = self.__dict__.get("_last_inputs", (None, None))
        if last is None or told != (found, shown):
            inputs = {**self.part("inputs"), **found}
            evidence = {**self.evidence, "inputs": {**self.evidence.get("inputs", {}), **(shown or {})}}
            last = replace(
                self,
                parts={**self.parts, "inputs": inputs},
                evidence=evidence,
                unknown=self.unknown - found.keys(),
            )
            self.__dict__["_last_inputs"] = (dict(found), shown), last
        return last

    def differences(self, other: Fingerprint) -> Iterator[tuple[str, str, Any, Any]]:
        """``(kind, name, here, there)`` for every part that differs; None where one side lacks it.

        Of inputs unknown on either side only the name counts. Without unknown inputs, and with one scheme,
        nothing differs exactly when the keys are equal.
        """
        unknown = self.unknown | other.unknown
        for kind in PARTS:
            here, there = self.part(kind), other.part(kind)
            for name in dict.fromkeys([*here, *there]):
                if kind == "inputs" and name in unknown:
                    continue
                both = name in here and name in there
                if not both or _differ(here[name], there[name]):
                    yield kind, name, here.get(name), there.get(name)
            if kind == "inputs":
                for name in sorted(unknown & (self.input_names ^ other.input_names)):
                    yield kind, name, here.get(name), there.get(name)

    def matches(self, other: Fingerprint) -> bool:
        """True when every part known on both sides is equal."""
        return self.scheme == other.scheme and next(self.differences(other), None) is None

    def may_become(self, likeness: str, inputs: Mapping[str, str]) -> bool:
        """Whether, once all of its inputs are known, it can be one of this likeness and these inputs.

        Args:
            likeness: of a fingerprint without unknown inputs.
            inputs: those of the same.
        """
        known = self.part("inputs").items()
        return likeness == self.likeness and all(inputs.get(name) == digest for name, digest in known)

    def to_json(self) -> dict[str, Any]:
        """A JSON object of the whole, as the store keeps it."""
        return {
            "scheme": self.scheme,
            "parts": {kind: dict(values) for kind, values in self.parts.items()},
            "evidence": dict(self.evidence),
            "unknown": sorted(self.unknown),
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Fingerprint:
        """The fingerprint that ``to_json`` wrote; ``KeyError`` or ``TypeError`` where it is damaged."""
        parts, evidence, scheme = data["parts"], data["evidence"], data["scheme"]
        sound = (
            is_shaped(data, _WHOLE)
            and is_shaped(parts, _PARTS)
            and is_shaped(parts.get("command", {}), _COMMAND)
            and is_shaped(evidence, _EVIDENCE)
            and all(is_shaped(shown, _SHOWN) for shown in evidence.get("inputs", {}).values())
        )
        if not sound:
            raise TypeError("a part of a fingerprint is of another kind")
        return Fingerprint(parts, evidence, frozenset(map(str, data["unknown"])), scheme)


def _differ(here: Any, there: Any) -> bool:
    """As the key sees it: 1 is neither 1.0 nor True, and NaN is NaN."""
    if isinstance(here, str) and isinstance(there, str):
        return here != there
    return canonical(here) != canonical(there)
