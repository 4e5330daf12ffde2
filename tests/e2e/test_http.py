"""The whole contract over HTTP, as a page in a browser calls it."""

import base64

import pytest
from antiphon.v1 import conversation_pb2 as pb

from services.web.connect import paths
from tests.support.http import Browser, HttpError, envelope, envelopes, text_of


def test_it_is_alive_and_ready_and_every_answer_is_named(browser: Browser) -> None:
    assert browser.http.get("/healthz").json() == {"status": "alive"}
    ready = browser.http.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready"})
    assert ready.headers["x-request-id"] != browser.http.get("/readyz").headers["x-request-id"]
    assert "unsafe" not in ready.headers["content-security-policy"]


def test_a_turn_streams_is_revised_and_is_followed_again(browser: Browser) -> None:
    session = browser.session()
    events = browser.events("SendTurn", sessionId=session, text="one two three", requestId=f"http-{session}")
    assert "accepted" in events[0]
    text = events[-1]["completed"]["draft"]["text"]
    assert text_of(events) == text
    turn = events[0]["turnId"]
    again = browser.events("SendTurn", sessionId=session, text="one two three", requestId=f"http-{session}")
    assert (again[0]["turnId"], again[0]["accepted"]["repeatedRequest"]) == (turn, True)
    half = next(event["position"] for event in events if "delta" in event)
    rest = browser.events("AttachTurn", turnId=turn, position=half)
    assert text[: half["offset"]] + text_of(rest) == text
    revised = browser.events("ReviseTurn", turnId=turn, feedback={"comment": "shorter"})
    assert revised[-1]["completed"]["draft"]["round"] == 1
    cancelled = browser.call("ConversationService/CancelTurn", turnId=turn)
    assert cancelled["outcome"] == "CANCEL_OUTCOME_ALREADY_COMPLETED"


def test_a_document_is_uploaded_in_envelopes(browser: Browser) -> None:
    content = base64.b64encode(b"Owls hunt at night.\n").decode()
    requests = [{"header": {"name": "owls.md", "mediaType": "text/markdown"}}, {"chunk": content}]
    (answer,) = browser.exchange("KnowledgeService/IngestDocument", requests)
    assert answer["ingestion"]["name"] == "owls.md"


def test_binary_and_grpc_web_speak_the_same(browser: Browser) -> None:
    request = pb.CreateSessionRequest(user_id="ada").SerializeToString()
    path = "/antiphon.v1.ConversationService/CreateSession"
    plain = browser.http.post(path, content=request, headers={"content-type": "application/proto"})
    assert pb.CreateSessionResponse.FromString(plain.content).session.user_id == "ada"
    framed = browser.http.post(path, content=envelope(request), headers={"content-type": "application/grpc-web+proto"})
    (message, trailers) = [message for _, message in envelopes([framed.content])]
    assert pb.CreateSessionResponse.FromString(message).session.user_id == "ada"
    assert b"grpc-status: 0" in trailers.lower().replace(b"grpc-status:0", b"grpc-status: 0")


def test_every_rpc_of_the_contract_is_there(browser: Browser) -> None:
    for path in paths():
        answer = browser.http.post(path, json={})
        if answer.status_code == 415:  # a stream, which takes envelopes
            headers = {"content-type": "application/connect+json"}
            with browser.http.stream("POST", path, content=envelope(b"{}"), headers=headers) as stream:
                assert stream.status_code == 200, path  # it is not read: one that watches does not end
            continue
        assert answer.status_code in (200, 400, 404, 409), (path, answer.text)


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({"text": " "}, "text"),
        ({"text": "a" * 33_000}, "text"),
        ({"text": "hello", "settings": {"temperature": 9}}, "settings.temperature"),
        ({"text": "hello", "settings": {"stop": [""]}}, "settings.stop[0]"),
    ],
)
def test_a_bad_field_of_a_stream_is_named_in_its_end(browser: Browser, request_: dict[str, object], field: str) -> None:
    session = browser.session()
    with pytest.raises(HttpError) as refused:
        browser.events("SendTurn", sessionId=session, **request_)
    assert (refused.value.status, refused.value.error["code"]) == (200, "invalid_argument")
    assert (refused.value.fields, refused.value.reasons) == ([field], ["INVALID_FIELD"])


def test_a_bad_field_is_named(browser: Browser) -> None:
    for user in ("", "u" * 300):
        with pytest.raises(HttpError) as refused:
            browser.session(user)
        assert (refused.value.status, refused.value.error["code"]) == (400, "invalid_argument")
        assert refused.value.fields == ["user_id"]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        b'{"userId": 3}',
        b'{"usrId": "ada"}',
        b'{"userId": "\\ud800"}',
        b"[" * 100_000,
    ],
)
def test_a_body_that_is_no_request_is_refused(browser: Browser, body: bytes) -> None:
    answer = browser.http.post(
        "/antiphon.v1.ConversationService/CreateSession", content=body, headers={"content-type": "application/json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_argument")


def test_strangers_and_great_bodies_are_refused(browser: Browser, url: str) -> None:
    for key in ("", "key_wrong.wrong", "wörng"):
        stranger = Browser(url, "")
        headers = {"authorization": f"Bearer {key}".encode()} if key else {}
        answer = stranger.http.post("/antiphon.v1.ConversationService/ListSessions", json={}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        stranger.close()
    answer = browser.http.post("/antiphon.v1.ConversationService/CreateSession", json={"userId": "a" * 5_000_000})
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")
    answer = browser.http.get("/v2/nothing")
    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "not_found_error")
