"""What an endpoint answers, held against its description."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from services.web.openapi.document import document


@lru_cache
def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": document()["components"]})


def check_described(answer: Any, name: str) -> None:
    """Fails where the answer is not what the description's schema of this name says."""
    error = best_match(_validator(name).iter_errors(answer))
    assert error is None, f"{error.json_path}: {error.message}"
