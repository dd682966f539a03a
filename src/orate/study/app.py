"""The study as a web application: the page, the clips one by one, the answers, and the operator's results.

Everything comes from this server, addresses are relative (it may stand behind a proxy, under a prefix), and no address
or name tells whether a clip is real. Who answers is known by a cookie with a random token.
"""

import secrets
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException as StarletteHTTPException

from orate.study.folder import ANSWERS_NAME, Study, clip_path, read_study
from orate.study.results import summarise
from orate.study.results_page import results_page
from orate.study.store import AnswerStore, Person
from orate.study.tables import TABLES

PAGE = Path(__file__).parent / "page"
COOKIE_S = 30 * 24 * 3600
CLIP_CACHE_S = 3600
LONGEST_S = 24 * 3600.0  # of an answer: somebody left the page open
MOST_PLAYS = 1000
POLICY = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
RESULTS_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Consent(BaseModel):
    """What somebody sends to begin."""

    model_config = ConfigDict(extra="forbid")
    consent: Literal[True]


class GivenAnswer(BaseModel):
    """An answer to the clip at `position`, from 0."""

    model_config = ConfigDict(extra="forbid", strict=True)
    position: Annotated[int, Field(ge=0, le=10_000)]
    said_real: bool
    seconds: Annotated[float, Field(ge=0, le=LONGEST_S)]
    plays: Annotated[int, Field(ge=1, le=MOST_PLAYS)]


def study_app(folder: Path, shared_device: bool = False) -> FastAPI:
    """The application for a study's folder.

    Args:
        folder: from `orate study make`.
        shared_device: whether the next person may begin in the same browser when one has finished.

    Raises:
        OrateError: no study in the folder, or a damaged one; answers cannot be kept there.
    """
    study = read_study(folder)
    store = AnswerStore(folder / ANSWERS_NAME, study)
    # Without pages that load scripts from elsewhere, and without reports to anybody.
    quiet: Any = dict.fromkeys(("tracing", "metrics", "logs", "auto_configure"), False)
    app = FastAPI(title=study.title, docs_url=None, redoc_url=None, openapi_url=None, telemetry=quiet)
    _add_errors(app)
    _add_participants(app, folder, study, store, shared_device)
    _add_results(app, folder, study, store)
    app.mount("/", StaticFiles(directory=PAGE, html=True))
    return app


def _add_participants(app: FastAPI, folder: Path, study: Study, store: AnswerStore, shared_device: bool) -> None:
    cookie = f"orate_study_{study.id}"

    def known(request: Request) -> Person | None:
        return store.person(request.cookies.get(cookie, ""))

    def taking_part(request: Request) -> Person:
        person = known(request)
        if person is None:
            raise HTTPException(401, "You have not begun, or your answers were deleted: reload the page.")
        return person

    def state(person: Person | None) -> dict[str, Any]:
        return {
            "title": study.title,
            "consent": study.consent,
            "contact": study.contact,
            "clips": study.clips_per_person,
            "shared_device": shared_device,
            "person": person and _progress(store, person),
        }

    @app.get("/api/state")
    def get_state(person: Annotated[Person | None, Depends(known)]) -> dict[str, Any]:
        return state(person)

    @app.post("/api/begin")
    def begin(
        given: Consent, request: Request, response: Response, person: Annotated[Person | None, Depends(known)]
    ) -> dict[str, Any]:
        if person is None or (person.finished and shared_device):
            person = store.begin()
            secure = request.url.scheme == "https"
            response.set_cookie(cookie, person.token, max_age=COOKIE_S, secure=secure, httponly=True, samesite="strict")
        return state(person)

    @app.post("/api/answer")
    def answer(given: GivenAnswer, person: Annotated[Person, Depends(taking_part)]) -> JSONResponse:
        taken = store.answer(person, given.position, given.said_real, given.seconds, given.plays)
        now = state(store.person(person.token))
        if taken:
            return JSONResponse(now)
        return JSONResponse({"error": "This clip is answered already, or it is not its turn.", **now}, 409)

    @app.post("/api/withdraw")
    def withdraw(response: Response, person: Annotated[Person, Depends(taking_part)]) -> dict[str, Any]:
        store.withdraw(person)
        response.delete_cookie(cookie)
        return state(None)

    @app.get("/clips/{position}.mp4")
    def clip(position: int, person: Annotated[Person, Depends(taking_part)]) -> FileResponse:
        # The clip after the next one too: it loads while the next one is watched.
        shown = store.shown(person, position) if position <= person.answered + 1 else None
        files = shown and study.clip(shown[0])
        if not shown or not files:
            raise HTTPException(404, "There is no such clip, or it is not its turn.")
        headers = {"Cache-Control": f"private, max-age={CLIP_CACHE_S}"}
        name = files.generated if shown[1] else files.real
        return FileResponse(clip_path(folder, name), media_type="video/mp4", headers=headers)


def _progress(store: AnswerStore, person: Person) -> dict[str, Any]:
    """How far a person is, and when they are done how well they did; which clips were real is told to nobody."""
    progress: dict[str, Any] = {"number": person.number, "answered": person.answered, "score": None}
    if person.finished:
        answers = store.answers(person)
        progress["score"] = {
            "right": sum(answer.right for answer in answers),
            "real": sum(not answer.generated for answer in answers),
            "real_right": sum(answer.right and not answer.generated for answer in answers),
            "generated": sum(answer.generated for answer in answers),
            "generated_right": sum(answer.right and answer.generated for answer in answers),
        }
    return progress


def _add_results(app: FastAPI, folder: Path, study: Study, store: AnswerStore) -> None:
    def operator(key: str) -> None:
        # Bytes: compare_digest takes no other than ASCII text.
        if not secrets.compare_digest(key.encode(), study.operator_key.encode()):
            raise HTTPException(404, "There is no such page.")

    @app.get("/results/{key}/", dependencies=[Depends(operator)])
    def results() -> Response:
        page = results_page(study, summarise(study, store), live=True)
        return Response(page, media_type="text/html", headers={"Content-Security-Policy": RESULTS_POLICY})

    @app.get("/results/{key}/{table}.csv", dependencies=[Depends(operator)])
    def table(table: str) -> Response:
        if table not in TABLES:
            raise HTTPException(404, f"There is no such table: there are {', '.join(TABLES)}.")
        attachment = {"Content-Disposition": f'attachment; filename="{table}.csv"'}
        return Response(TABLES[table](summarise(study, store)), media_type="text/csv", headers=attachment)

    @app.get("/results/{key}/clips/{name}.mp4", dependencies=[Depends(operator)])
    def clip(name: str) -> FileResponse:
        if f"{name}.mp4" not in {file for clip in study.clips for file in (clip.real, clip.generated)}:
            raise HTTPException(404, "There is no such clip.")
        return FileResponse(clip_path(folder, f"{name}.mp4"), media_type="video/mp4")


def _add_errors(app: FastAPI) -> None:
    """One sentence for everything that goes wrong, and the headers that keep the page to itself."""

    @app.exception_handler(StarletteHTTPException)
    async def http_error(request: Request, error: StarletteHTTPException) -> JSONResponse:
        return JSONResponse({"error": error.detail}, error.status_code, headers=error.headers)

    @app.exception_handler(RequestValidationError)
    async def bad_request(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"] if part != "body")
        return JSONResponse({"error": f"The request is wrong at {place or 'its body'}: {first['msg']}."}, 422)

    @app.exception_handler(sqlite3.Error)
    async def no_answers(request: Request, error: sqlite3.Error) -> JSONResponse:
        return JSONResponse({"error": f"Answers cannot be kept at the moment ({error}); try again."}, 503)

    @app.middleware("http")
    async def headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response
