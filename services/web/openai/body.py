"""Reading a JSON body: each parameter by its name and type; whatever is wrong is refused with that name."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NoReturn

from starlette.requests import Request

from services.web.errors import Unsupported, WebError

MAX_METADATA, MAX_METADATA_KEY, MAX_METADATA_VALUE = 16, 64, 512


def refuse(param: str, reason: str, code: str = "invalid_value") -> NoReturn:
    """Raises WebError, naming the parameter."""
    raise WebError(f"{param}: {reason}", param=param, code=code)


async def read_body(request: Request) -> Body:
    """The request's JSON object. Raises WebError where the body is none."""
    return Body(parse_object(await request.body()))


def parse_object(raw: bytes) -> dict[str, Any]:
    """A JSON object; an empty body is an empty one. Raises WebError."""
    if not raw.strip():
        return {}
    try:
        value = json.loads(raw.decode("utf-8"), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise WebError(f"the body is no JSON: {reason}", code="invalid_json") from None
    if not isinstance(value, dict):
        raise WebError("the body is no JSON object", code="invalid_json")
    return value


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON number")


class Body:
    """An object of a request. ``path``, its own name, goes before those of its parameters; null is absence."""

    def __init__(self, values: Mapping[str, Any], path: str = "") -> None:
        self._values = values
        self._path = path

    def name(self, key: str) -> str:
        """A parameter's whole name."""
        return f"{self._path}.{key}" if self._path else key

    def __contains__(self, key: str) -> bool:
        return self._values.get(key) is not None

    def check_known(self, known: Iterable[str], without_effect: Mapping[str, tuple[Any, ...]] | None = None) -> None:
        """Raises Unsupported for what is not known; ``without_effect`` may have the values that ask for nothing."""
        known = set(known)
        idle = without_effect or {}
        for key, value in self._values.items():
            if key in known or value is None:
                continue
            if key not in idle or not any(type(value) is type(one) and value == one for one in idle[key]):
                raise Unsupported(self.name(printable(key)))

    def raw(self, key: str) -> Any:
        """The value as it came; None where there is none."""
        return self._values.get(key)

    def text(self, key: str, default: str = "", *, needed: bool = False, most: int | None = None) -> str:
        """A string of Unicode text."""
        value = self._values.get(key)
        if value is None:
            if needed:
                refuse(self.name(key), "is needed", "missing_required_parameter")
            return default
        return checked_text(self.name(key), value, most=most)

    def integer(self, key: str, low: int, high: int) -> int | None:
        """A whole number from ``low`` to ``high``."""
        value = self._values.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            refuse(self.name(key), "must be a whole number", "invalid_type")
        if not low <= value <= high:
            refuse(self.name(key), f"must be from {low} to {high}")
        return value

    def number(self, key: str, low: float, high: float) -> float | None:
        """A number from ``low`` to ``high``."""
        value = self._values.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            refuse(self.name(key), "must be a number", "invalid_type")
        if (isinstance(value, float) and math.isinf(value)) or not low <= value <= high:
            refuse(self.name(key), f"must be from {low:g} to {high:g}")
        return float(value)

    def flag(self, key: str, default: bool = False) -> bool:
        """True or false."""
        value = self._values.get(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            refuse(self.name(key), "must be true or false", "invalid_type")
        return value

    def object(self, key: str) -> Body:
        """An object; an empty one where there is none."""
        value = self._values.get(key)
        if value is None:
            return Body({}, self.name(key))
        if not isinstance(value, dict):
            refuse(self.name(key), "must be an object", "invalid_type")
        return Body(value, self.name(key))

    def items(self, key: str, most: int = 2_000) -> list[Any]:
        """A list; an empty one where there is none."""
        value = self._values.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            refuse(self.name(key), "must be a list", "invalid_type")
        if len(value) > most:
            refuse(self.name(key), f"has {len(value)} items, at most {most} are taken")
        return value

    def objects(self, key: str, most: int = 2_000) -> Iterator[Body]:
        """The objects of a list."""
        for index, value in enumerate(self.items(key, most)):
            path = f"{self.name(key)}[{index}]"
            if not isinstance(value, dict):
                refuse(path, "must be an object", "invalid_type")
            yield Body(value, path)

    def metadata(self) -> dict[str, str]:
        """OpenAI's ``metadata``: up to 16 short strings by name."""
        values = self.object("metadata")._values
        name = self.name("metadata")
        if len(values) > MAX_METADATA:
            refuse(name, f"has {len(values)} keys, at most {MAX_METADATA} are taken")
        for key in values:
            checked_text(name, key, most=MAX_METADATA_KEY)
        return {
            key: checked_text(f"{name}.{key}", value, most=MAX_METADATA_VALUE)
            for key, value in values.items()
            if value is not None
        }


def json_text(name: str, value: object) -> str:
    """A JSON value of a body as text again. Raises WebError with its name."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        refuse(name, "holds half of a surrogate pair")
    return text


def checked_text(name: str, value: Any, *, most: int | None = None) -> str:
    """The value if it is text that can be written down. Raises WebError with its name."""
    if not isinstance(value, str):
        refuse(name, "must be a string", "invalid_type")
    if most is not None and len(value) > most:
        refuse(name, f"has {len(value)} characters, at most {most} are taken", "string_too_long")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            refuse(name, "holds half of a surrogate pair")
    if "\0" in value:
        refuse(name, "holds a NUL character")
    return value


def printable(name: str) -> str:
    """A name from a request, fit for an answer."""
    return name.encode("ascii", "backslashreplace").decode()[:100]
