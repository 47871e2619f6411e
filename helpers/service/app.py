"""The routes of the service; what they do is done in ``work``, ``jobs`` and ``shelf``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import PureWindowsPath  # which knows both slashes
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, File, Form, Request, Response, Security, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.security import APIKeyHeader
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from helpers.classifier import DEFAULT_MODEL, Model, ModelCard
from helpers.errors import HelpersError
from helpers.lanes import LAW, ChannelMode, Place, Settings
from helpers.service.config import Config
from helpers.service.envelope import KEY_HEADER, Envelope, Figures
from helpers.service.jobs import Job, Jobs
from helpers.service.pool import Pool
from helpers.service.problems import (
    MEDIA_TYPE,
    Problem,
    on_helpers_error,
    on_http_exception,
    on_invalid_request,
    responses,
)
from helpers.service.shelf import NAME, Shelf
from helpers.service.work import Layout, Prediction, Sent, analyze_call, file_in, predict_clip

VERSION = "1.0.0"

_EVERYWHERE = ("key-needed", "internal")
_OF_BODIES = ("malformed-request", "invalid-request", "upload-slow", "too-large", "busy", *_EVERYWHERE)
_OF_RECORDINGS = (
    *("model-unknown", "recording-unknown", "recording-unreadable", "no-speech", "model-broken", "too-slow"),
    *_OF_BODIES,
)
_LONGEST_NAME = 200  # characters


@dataclass(frozen=True)
class Service:
    """What the routes share.

    Attributes
    ----------
    config : Config
    shelf : Shelf
    pool : Pool
    jobs : Jobs or None
        None where no folder for models is configured.
    figures : Figures
    """

    config: Config
    shelf: Shelf
    pool: Pool
    jobs: Jobs | None
    figures: Figures


class Listed(BaseModel):
    """A model at a glance."""

    name: str
    title: str
    labels: list[str]
    licence: str
    trained_here: bool


class Status(BaseModel):
    """How the service is."""

    status: str


router = APIRouter(
    dependencies=[Security(APIKeyHeader(name=KEY_HEADER, auto_error=False))],
    responses=responses(*_EVERYWHERE),
)
open_router = APIRouter()


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


Here = Annotated[Service, Depends(_service)]


def _sent(
    here: Here,
    file: Annotated[UploadFile | None, File(description="The recording, audio or video.")] = None,
    recording: Annotated[
        str | None, Form(description="Instead of a file, the name of one in the folder of the service.")
    ] = None,
) -> Sent:
    if (file is None) == (recording is None):
        raise Problem("invalid-request", "Send either a file or the name of a recording.")
    if file is not None:
        return Sent(file.file, PureWindowsPath(file.filename or "").name[:_LONGEST_NAME] or "recording")
    try:
        if here.config.recordings is None:
            raise FileNotFoundError
        path = file_in(here.config.recordings, str(recording))
    except FileNotFoundError:
        raise Problem(
            "recording-unknown", "There is no such recording in the folder of the service."
        ) from None
    return Sent(path, path.name)


def _model(
    here: Here,
    model: Annotated[str, Form(description="As of `GET /models`.")] = DEFAULT_MODEL,
) -> Model:
    try:
        return here.shelf.model(model)
    except KeyError:
        raise _unknown_model() from None


Recording = Annotated[Sent, Depends(_sent)]
Chosen = Annotated[Model, Depends(_model)]


@router.post("/predict", responses=responses(*_OF_RECORDINGS), tags=["analysis"])
async def predict(request: Request, here: Here, sent: Recording, model: Chosen) -> Prediction:
    """Tell the emotion of one clip of up to a minute."""
    return await here.pool.run(request, partial(predict_clip, sent, model))


@router.post(
    "/analyze",
    response_class=Response,
    responses={
        200: {
            "description": "As the command line writes it.",
            "content": {"application/json": {"schema": {"type": "object"}}, "text/csv": {}},
        },
        **responses("not-acceptable", *_OF_RECORDINGS),
    },
    tags=["analysis"],
)
async def analyze(
    *,
    request: Request,
    here: Here,
    sent: Recording,
    model: Chosen,
    channels: Annotated[ChannelMode, Form(description="As of the command line.")] = "auto",
    customer: Annotated[Place | None, Form(description="Where the customer is heard.")] = None,
    include_agent: Annotated[bool, Form(description=f"Analyse the agent, too. {LAW}.")] = False,
) -> Response:
    """Analyse a call; `Accept` chooses JSON, or CSV with a line per segment."""
    layout = _layout(request.headers.get("accept", "*/*"))
    settings = Settings(channels, customer, include_agent)
    work = partial(analyze_call, sent, model, settings, layout=layout, longest=here.config.longest)
    text = await here.pool.run(request, work)
    return Response(text, media_type={"json": "application/json", "csv": "text/csv"}[layout])


@router.get("/models", responses=responses("model-broken"), tags=["models"])
def list_models(here: Here) -> list[Listed]:
    """List the models, those trained here first."""
    return [
        Listed(
            name=name,
            title=(card := here.shelf.card(name)).title,
            labels=[*card.labels],
            licence=card.licence,
            trained_here=trained,
        )
        for name, trained in here.shelf.names().items()
    ]


@router.get("/models/{name}", responses=responses("model-unknown", "model-broken"), tags=["models"])
def show_model(here: Here, name: str) -> ModelCard:
    """Show the card of a model."""
    try:
        return here.shelf.card(name)
    except KeyError:
        raise _unknown_model() from None


@router.delete(
    "/models/{name}",
    status_code=204,
    responses=responses("training-off", "model-unknown", "model-shipped"),
    tags=["models"],
)
def delete_model(here: Here, name: str) -> None:
    """Delete a model that was trained here."""
    try:
        here.shelf.delete(name)
    except PermissionError:
        raise Problem(
            "model-shipped", "This model belongs to the program: delete those trained here."
        ) from None
    except KeyError:
        raise _unknown_model() from None


@router.post(
    "/train",
    status_code=202,
    responses=responses("training-off", "name-taken", "job-running", "clips-unusable", *_OF_BODIES),
    tags=["training"],
)
async def train(
    here: Here,
    response: Response,
    name: Annotated[str, Form(pattern=f"^{NAME.pattern}$", description="Of the new model.")],
    file: Annotated[
        UploadFile | None,
        File(description="ZIP: a folder of clips per emotion, or a CSV with file, emotion and speaker."),
    ] = None,
    recipe: Annotated[
        str | None, Form(description="Instead, a recipe for the corpora of the service.")
    ] = None,
) -> Job:
    """Start to train a model; `GET /jobs/{id}` tells how far it is."""
    jobs = _jobs(here)
    if (file is None) == (recipe is None):
        raise Problem("invalid-request", "Send either a ZIP of clips or the name of a recipe.")
    if recipe is not None:
        await asyncio.to_thread(_demand_recipe, here, recipe, name)
    if name in here.shelf.names() or name == "default":
        raise Problem("name-taken", "There is a model of this name: choose another, or delete that one.")
    if jobs.busy:
        raise Problem(
            "job-running", "A model is being trained: wait for it, or cancel that.", {"Retry-After": "60"}
        )
    job = await jobs.start(name, file.file if file else None, recipe or "", here.config.corpora)
    response.headers["Location"] = f"/jobs/{job.id}"
    return job


@router.get("/jobs/{id}", responses=responses("job-unknown"), tags=["training"])
async def show_job(here: Here, id: str) -> Job:
    """Tell how far a training is, and in the end how good the model."""
    try:
        return _jobs(here).get(id)
    except KeyError:
        raise _unknown_job() from None


@router.delete("/jobs/{id}", responses=responses("training-off", "job-unknown"), tags=["training"])
async def cancel_job(here: Here, id: str) -> Job:
    """Cancel a training; what has ended stays as it is."""
    try:
        return await _jobs(here).cancel(id)
    except KeyError:
        raise _unknown_job() from None


@open_router.get("/health", tags=["operation"])
async def health() -> Status:
    """Tell that the service runs."""
    return Status(status="ok")


@open_router.get("/ready", responses=responses("not-ready"), tags=["operation"])
async def ready(request: Request) -> Status:
    """Tell whether requests are answered without loading anything first."""
    loading: asyncio.Task[None] = request.app.state.loading
    if not loading.done() or loading.exception():
        raise Problem(
            "not-ready", "The model is being loaded: try again in a few seconds.", {"Retry-After": "2"}
        )
    return Status(status="ready")


@router.get("/metrics", response_class=Response, tags=["operation"])
async def metrics(here: Here) -> Response:
    """Give the figures of the service, as Prometheus reads them."""
    return Response(generate_latest(here.figures.registry), media_type=CONTENT_TYPE_LATEST)


def create_app(config: Config) -> FastAPI:
    """Make the service.

    Parameters
    ----------
    config : Config

    Returns
    -------
    FastAPI
    """
    figures = Figures()
    app = FastAPI(
        title="Call Emotions",
        version=VERSION,
        description="Emotion analysis of call recordings. "
        "Errors are problem details (RFC 9457) with a stable `code`.",
        license_info={"name": "Apache 2.0", "identifier": "Apache-2.0"},
        redoc_url=None,
        lifespan=_lifespan,
        form_limits={"max_files": 1, "max_fields": 8, "max_part_size": 4096},  # the rest is held in memory
        exception_handlers={
            HTTPException: on_http_exception,
            RequestValidationError: on_invalid_request,
            HelpersError: on_helpers_error,
        },
    )
    app.state.service = Service(
        config,
        Shelf(config.models),
        Pool(config.workers, config.seconds),
        Jobs(config.models) if config.models else None,
        figures,
    )
    app.include_router(router)
    app.include_router(open_router)
    app.add_middleware(Envelope, config=config, figures=figures)
    app.openapi = partial(_openapi, app)  # type: ignore[method-assign]
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    service: Service = app.state.service
    if service.jobs:
        service.jobs.recover()
    app.state.loading = asyncio.create_task(service.pool.warm(partial(service.shelf.model, DEFAULT_MODEL)))
    yield
    service.pool.close()
    if service.jobs:
        await service.jobs.close()


def _layout(accept: str) -> Layout:
    """Choose what the client prefers of what there is; JSON where it does not mind."""
    preferred: dict[str, float] = {}
    for each in accept.lower().split(","):
        kind, _, rest = each.partition(";")
        quality = rest.strip().removeprefix("q=")
        preferred[kind.strip()] = float(quality) if quality.replace(".", "", 1).isdecimal() else 1.0
    anything = preferred.get("*/*", 0.0)
    json = preferred.get("application/json", preferred.get("application/*", anything))
    csv = preferred.get("text/csv", preferred.get("text/*", anything))
    if not max(json, csv):
        raise Problem("not-acceptable", "There is JSON and CSV: accept application/json or text/csv.")
    return "csv" if csv > json else "json"


def _jobs(here: Service) -> Jobs:
    if here.jobs is None:
        raise Problem("job-unknown", "There are no jobs: the host has to set MODELS_DIR.")
    return here.jobs


def _demand_recipe(here: Service, recipe: str, name: str) -> None:
    from helpers.training.labelled import corpus_recipe

    if here.config.corpora is None:
        raise Problem("clips-unusable", "There are no corpora here: send a ZIP of clips, or set CORPORA.")
    corpus_recipe(name, recipe)


def _unknown_model() -> Problem:
    return Problem("model-unknown", "There is no such model: choose one of `GET /models`.")


def _unknown_job() -> Problem:
    return Problem("job-unknown", "There is no such job: take the id that `POST /train` gave.")


def _openapi(app: FastAPI) -> dict[str, Any]:
    """Describe the service, its problems under their own media type."""
    if not app.openapi_schema:
        schema = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            license_info=app.license_info,
            routes=app.routes,
        )
        for operations in schema["paths"].values():
            for operation in operations.values():
                for status, answer in operation["responses"].items():
                    if int(status) >= 400:
                        answer["content"] = {MEDIA_TYPE: answer["content"]["application/json"]}
        app.openapi_schema = schema
    return app.openapi_schema
