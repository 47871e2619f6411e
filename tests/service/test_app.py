"""What the service answers: the right thing, problems with a stable code, and nothing of where files lie."""

import json
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from helpers import analyze
from helpers.classifier import MODELS, model_names, read_card
from helpers.exports import to_csv, to_json
from helpers.samples import SAMPLES
from helpers.service.config import Config
from helpers.service.envelope import KEY_HEADER, Envelope, Figures, Message, Receive, Scope, Send
from helpers.service.problems import without_paths
from tests.service.conftest import KEY, finished, serve, service_log, speech

CALL = SAMPLES / "neutral-enquiry_agent-left_customer-right.flac"


def post(
    address: str, route: str, content: bytes, name: str = "clip.wav", **fields: str
) -> requests.Response:
    return requests.post(f"{address}{route}", files={"file": (name, content)}, data=fields, timeout=60)


def assert_problem(response: requests.Response, status: int, code: str) -> None:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["type"].endswith(code) and problem["title"] and problem["detail"]
    assert problem["request_id"] == response.headers["x-request-id"]
    assert str(Path.cwd()) not in response.text and "/tmp" not in response.text  # noqa: S108


def test_a_clip_has_an_emotion_whether_uploaded_or_named(address: str, clip: bytes) -> None:
    uploaded = post(address, "/predict", clip)
    named = requests.post(f"{address}/predict", data={"recording": "day/call.wav"}, timeout=60)
    assert uploaded.status_code == 200, uploaded.text
    assert uploaded.json() == named.json()
    told = uploaded.json()
    assert tuple(told["probabilities"]) == read_card().labels
    assert sum(told["probabilities"].values()) == pytest.approx(1, abs=0.001)
    assert told["probability"] == max(told["probabilities"].values())
    assert told["emotion"] in (*read_card().labels, "uncertain")


def test_a_call_is_analysed_as_on_the_command_line(address: str) -> None:
    analysis = analyze(CALL)
    response = post(address, "/analyze", CALL.read_bytes(), CALL.name)
    assert response.headers["content-type"] == "application/json"
    assert response.json() == json.loads(to_json(analysis))
    files = {"file": (CALL.name, CALL.read_bytes())}
    ask = {"Accept": "text/csv, */*;q=0.1"}
    table = requests.post(f"{address}/analyze", files=files, headers=ask, timeout=60)
    assert table.headers["content-type"].startswith("text/csv")
    assert table.text == to_csv([analysis])


def test_settings_of_a_call_count(address: str) -> None:
    response = post(address, "/analyze", CALL.read_bytes(), "call.flac", channels="mix", model="emotions-de")
    assert {row["channel"] for row in response.json()["segments"]} == {"mono"}
    assert response.json()["model"]["name"] == "emotions-de"
    both = post(address, "/analyze", CALL.read_bytes(), customer="left", include_agent="true").json()
    assert all(row["emotion"] for row in both["segments"])


@pytest.mark.parametrize(
    "name",
    [
        "../outside/secret.wav",
        "/etc/passwd",
        "link.wav",
        "loop.wav",
        "notes.txt",
        "day",
        ".",
        "\0.wav",
        "a" * 999,
    ],
)
def test_only_recordings_in_the_folder_can_be_named(address: str, name: str) -> None:
    response = requests.post(f"{address}/predict", data={"recording": name}, timeout=60)
    assert_problem(response, 404, "recording-unknown")


def test_what_is_wrong_has_a_code(address: str, clip: bytes, silence: bytes) -> None:
    assert_problem(post(address, "/predict", b"junk"), 422, "recording-unreadable")
    assert_problem(post(address, "/analyze", b""), 422, "recording-unreadable")
    assert_problem(post(address, "/predict", silence), 422, "no-speech")
    assert_problem(post(address, "/predict", speech(3), recording="day/call.wav"), 422, "invalid-request")
    assert_problem(requests.post(f"{address}/predict", timeout=60), 422, "invalid-request")
    assert_problem(post(address, "/analyze", clip, channels="loud"), 422, "invalid-request")
    assert_problem(post(address, "/predict", clip, model="../models/calls"), 404, "model-unknown")
    assert_problem(requests.get(f"{address}/models/none", timeout=60), 404, "model-unknown")
    assert_problem(requests.get(f"{address}/nothing", timeout=60), 404, "not-found")
    assert_problem(requests.put(f"{address}/predict", timeout=60), 405, "method-not-allowed")
    picture = {"Accept": "image/png"}
    refused = requests.post(f"{address}/analyze", files={"file": clip}, headers=picture, timeout=60)
    assert_problem(refused, 406, "not-acceptable")


def test_what_is_too_long_is_refused(address: str) -> None:
    """A clip lasts a minute; a call here two."""
    name = "billing-complaint_agent-left_customer-right.mp3"
    content = (SAMPLES / name).read_bytes()
    assert_problem(post(address, "/predict", content, name), 422, "recording-unreadable")
    with serve(Config(longest=30)) as strict:
        problem = post(strict, "/analyze", content, name)
    assert_problem(problem, 422, "recording-unreadable")
    assert "longer than the 0.5 minutes" in problem.json()["detail"]


def test_models_are_listed_with_their_cards(address: str) -> None:
    listed = requests.get(f"{address}/models", timeout=60).json()
    assert sorted(model["name"] for model in listed) == sorted(model_names())
    card = requests.get(f"{address}/models/calls", timeout=60).json()
    assert card["sha256"] == read_card("calls").sha256
    assert card["protocol"] == read_card("calls").protocol


def test_every_answer_has_its_headers_and_other_sites_may_not_read_it(address: str) -> None:
    ask = {"Origin": "https://elsewhere.example", "X-Request-ID": "mine-1"}
    for route in ("/health", "/models", "/nothing", "/docs"):
        headers = requests.get(f"{address}{route}", headers=ask, timeout=60).headers
        assert headers["x-request-id"] == "mine-1"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["cache-control"] == "no-store"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "server" not in headers or "uvicorn" in headers["server"]
        assert not [name for name in headers if name.lower().startswith("access-control")]
    forged = {"X-Request-ID": "x" * 65}
    assert requests.get(f"{address}/health", headers=forged, timeout=60).headers["x-request-id"] != "x" * 65


def test_with_a_key_nothing_but_health_is_open(clip: bytes) -> None:
    with serve(Config(key=KEY)) as locked:
        assert requests.get(f"{locked}/health", timeout=60).status_code == 200
        for key in ({}, {KEY_HEADER: "wrong"}, {KEY_HEADER: KEY + "x"}):
            assert_problem(requests.get(f"{locked}/models", headers=key, timeout=60), 401, "key-needed")
        assert requests.get(f"{locked}/models", headers={KEY_HEADER: KEY}, timeout=60).status_code == 200


def test_without_a_key_nobody_trains_and_nobody_deletes(address: str, clip: bytes) -> None:
    assert_problem(post(address, "/train", clip, name="mine"), 403, "training-off")
    assert_problem(requests.delete(f"{address}/models/calls", timeout=60), 403, "training-off")


def test_the_log_tells_of_requests_and_not_of_recordings(
    address: str, clip: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "service"):
        answer = post(address, "/predict", clip, "mrs-smith.wav")
        post(address, "/predict", b"junk", "mrs-smith.wav")
        requests.get(f"{address}/models/mrs-smith", timeout=60)
        time.sleep(0.1)
    logged = service_log(caplog)
    lines = [json.loads(line) for line in logged]
    assert [(line["route"], line["status"]) for line in lines] == [
        *(("/predict", 200), ("/predict", 422)),
        ("/models/{name}", 404),
    ]
    assert lines[0]["request"] == answer.headers["x-request-id"]
    assert "smith" not in "".join(logged)
    figures = requests.get(f"{address}/metrics", timeout=60).text
    assert 'requests_total{method="GET",route="/models/{name}",status="404"}' in figures
    assert "smith" not in figures


def test_a_long_analysis_does_not_hold_up_others(address: str) -> None:
    content = (SAMPLES / "billing-complaint_agent-left_customer-right.mp3").read_bytes()
    with ThreadPoolExecutor() as threads:
        long = threads.submit(post, address, "/analyze", content)
        waits = []
        while not long.done():
            started = time.perf_counter()
            assert requests.get(f"{address}/health", timeout=60).status_code == 200
            waits.append(time.perf_counter() - started)
    assert long.result().status_code == 200
    assert len(waits) >= 3
    assert sorted(waits)[len(waits) // 2] < 0.2


def test_models_in_the_folder_must_not_execute_code(tmp_path: Path, clip: bytes) -> None:
    """Whoever can write there puts a card and a joblib file with the hash that the card demands."""
    for file in ("calls.joblib", "calls.json"):
        (tmp_path / file.replace("calls", "sneaky")).write_bytes((MODELS / file).read_bytes())
    card = tmp_path / "sneaky.json"
    card.write_text(card.read_text().replace('"name": "calls"', '"name": "sneaky"'))
    with serve(Config(models=tmp_path)) as address:
        assert requests.get(f"{address}/models/sneaky", timeout=60).status_code == 200
        assert_problem(post(address, "/predict", clip, model="sneaky"), 503, "model-broken")
        card.write_text("{")
        assert_problem(requests.get(f"{address}/models/sneaky", timeout=60), 503, "model-broken")


def test_what_fails_here_is_told_to_the_log_by_its_place_and_to_nobody_by_its_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def failing(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("/home/mrs-smith.wav")

    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/models", "headers": []}
    with caplog.at_level(logging.INFO, "service"):
        finished(Envelope(failing, Config(), Figures())(scope, receive, send))
    assert (sent[0]["status"], json.loads(sent[1]["body"])["code"]) == (500, "internal")
    assert "RuntimeError in " in caplog.text and "failing" in caplog.text
    assert "smith" not in caplog.text + str(sent)


@pytest.mark.parametrize(
    ("text", "left"),
    [("No clip in /srv/my/corpora/emodb: check.", "No clip in emodb: check."), ("and/or 1/2", "and/or 1/2")],
)
def test_texts_lose_their_paths(text: str, left: str) -> None:
    assert without_paths(text) == left
