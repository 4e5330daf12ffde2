"""``/v1/models``: the tenant's assistants. An assistant is a schema; one that tracks no schema is there always."""

from __future__ import annotations

from typing import Any

import grpc
from antiphon.errors import CallError
from antiphon.v1.state_pb2 import GetSchemaRequest, ListSchemasRequest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from services.web.errors import WebError
from services.web.gateways import Gateways, metadata_of

PLAIN = "antiphon"  # the model without a schema
OWNER = "antiphon"
PAGE = 500
MAX_MODEL = 128


def schema_of(model: str) -> str:
    """The schema that a model stands for."""
    return "" if model == PLAIN else model


def model_not_found(model: str) -> WebError:
    """No assistant of the tenant has this name."""
    message = f"The model '{model}' does not exist: `antiphon` does, and the tenant's schemas by their names"
    return WebError(message, status=404, param="model", code="model_not_found")


class Models:
    """Lists and shows models."""

    def __init__(self, gateways: Gateways) -> None:
        self._gateways = gateways

    def routes(self) -> list[Route]:
        """Its paths."""
        return [
            Route("/v1/models", self.list, methods=["GET"]),
            Route("/v1/models/{model}", self.get, methods=["GET"]),
        ]

    async def list(self, request: Request) -> JSONResponse:
        """All models, the one without a schema first."""
        metadata = metadata_of(request.headers)
        models = [_model(PLAIN, 0)]
        token = ""
        while True:
            page = await self._gateways.states.ListSchemas(
                ListSchemasRequest(page_size=PAGE, page_token=token), metadata=metadata
            )
            models += [_model(schema.name, schema.create_time.seconds) for schema in page.schemas]
            token = page.next_page_token
            if not token:
                return JSONResponse({"object": "list", "data": models})

    async def get(self, request: Request) -> JSONResponse:
        """One model."""
        name = request.path_params["model"]
        metadata = metadata_of(request.headers)
        if name == PLAIN:
            await self._gateways.states.ListSchemas(ListSchemasRequest(page_size=1), metadata=metadata)
            return JSONResponse(_model(PLAIN, 0))
        try:
            answer = await self._gateways.states.GetSchema(GetSchemaRequest(name=name), metadata=metadata)
        except CallError as error:
            if error.code in (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT):
                raise model_not_found(name) from error
            raise
        return JSONResponse(_model(answer.schema.name, answer.schema.create_time.seconds))


def _model(name: str, created: int) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": created, "owned_by": OWNER}
