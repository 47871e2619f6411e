"""Training over HTTP: a job goes its way in a process of its own, and leaves nothing but its model."""

import json
import time
from pathlib import Path

import requests

from helpers.service.config import Config
from helpers.service.envelope import KEY_HEADER
from helpers.service.jobs import Job, Jobs
from tests.service.conftest import KEY, serve
from tests.service.test_app import assert_problem
from tests.training.test_labelled import clip as tone
from tests.training.test_labelled import packed

HEADERS = {KEY_HEADER: KEY}


def own_clips() -> bytes:
    return packed(
        {
            f"{emotion}/{number}.wav": tone(pitch, round(pitch) + number)
            for emotion, pitch in (("angry", 280.0), ("sad", 110.0))
            for number in range(5)
        }
    )


def train(address: str, content: bytes, name: str = "mine") -> requests.Response:
    return requests.post(
        f"{address}/train", data={"name": name}, files={"file": content}, headers=HEADERS, timeout=60
    )


def ended(address: str, job: str) -> Job:
    while True:
        answer = requests.get(f"{address}/jobs/{job}", headers=HEADERS, timeout=60).json()
        if answer["state"] != "running":
            return Job(**answer)
        time.sleep(0.3)


def test_a_model_is_trained_listed_used_and_deleted(tmp_path: Path) -> None:
    with serve(Config(key=KEY, models=tmp_path)) as address:
        started = train(address, own_clips())
        assert started.status_code == 202, started.text
        assert started.headers["location"] == f"/jobs/{started.json()['id']}"
        assert_problem(train(address, own_clips(), "other"), 409, "job-running")
        job = ended(address, started.json()["id"])
        assert (job.state, job.error, job.progress) == ("done", "", 1.0)
        assert job.protocol == "leaky stratified 5-fold"
        assert len(job.macro_f1) == 5 and job.macro_f1_mean and job.macro_f1_mean > 0.6
        assert job.macro_f1_deviation is not None
        assert (job.clips, job.labels, job.model) == (10, ["angry", "sad"], "mine")
        assert not [path for path in (tmp_path / "jobs").iterdir() if path.is_dir()]
        listed = requests.get(f"{address}/models", headers=HEADERS, timeout=60).json()
        assert [model["name"] for model in listed if model["trained_here"]] == ["mine"]
        assert_problem(train(address, own_clips()), 409, "name-taken")
        told = requests.post(
            f"{address}/predict",
            files={"file": tone(280.0, 99)},
            data={"model": "mine"},
            headers=HEADERS,
            timeout=60,
        )
        assert told.json()["probabilities"].keys() == {"angry", "sad"}
        assert told.json()["emotion"] == "angry"  # where all is easy, too, something is sure enough
        assert_problem(
            requests.delete(f"{address}/models/calls", headers=HEADERS, timeout=60), 409, "model-shipped"
        )
        gone = f"{address}/models/mine"
        assert requests.delete(gone, headers=HEADERS, timeout=60).status_code == 204
        assert_problem(requests.get(gone, headers=HEADERS, timeout=60), 404, "model-unknown")
        assert not list(tmp_path.glob("mine*"))


def test_a_job_can_be_cancelled_and_ends_with_the_service(tmp_path: Path) -> None:
    with serve(Config(key=KEY, models=tmp_path)) as address:
        assert_problem(train(address, own_clips(), "../evil"), 422, "invalid-request")
        job = f"{address}/jobs/{train(address, own_clips()).json()['id']}"
        assert requests.delete(job, headers=HEADERS, timeout=60).json()["state"] == "cancelled"
        assert requests.get(job, headers=HEADERS, timeout=60).json()["state"] == "cancelled"
        assert_problem(requests.get(f"{address}/jobs/none", headers=HEADERS, timeout=60), 404, "job-unknown")
        last = train(address, own_clips()).json()["id"]
    assert json.loads((tmp_path / "jobs" / f"{last}.json").read_text())["state"] == "interrupted"
    assert [path.suffix for path in (tmp_path / "jobs").iterdir()] == [".json", ".json"]
    assert not list(tmp_path.glob("*.*"))


def test_unusable_clips_fail_with_a_sentence_and_no_path(tmp_path: Path) -> None:
    with serve(Config(key=KEY, models=tmp_path)) as address:
        job = ended(address, train(address, b"no zip").json()["id"])
        assert (job.state, job.error[:14]) == ("failed", "This is no ZIP")
        recipe = requests.post(
            f"{address}/train", data={"name": "x", "recipe": "emodb-svm"}, headers=HEADERS, timeout=60
        )
        assert_problem(recipe, 422, "clips-unusable")


def test_a_crash_leaves_the_job_interrupted_and_no_clips(tmp_path: Path) -> None:
    (tmp_path / "jobs" / "1").mkdir(parents=True)
    (tmp_path / "jobs" / "1" / "clips.zip").write_bytes(b"x")
    (tmp_path / "jobs" / "1.json").write_text(json.dumps({"id": "1", "model": "mine", "state": "running"}))
    jobs = Jobs(tmp_path)
    jobs.recover()
    assert jobs.get("1").state == "interrupted" and jobs.get("1").ended
    assert not jobs.busy
    assert [path.name for path in (tmp_path / "jobs").iterdir()] == ["1.json"]


def test_a_recipe_is_trained_on_the_corpora_of_the_service(tmp_path: Path) -> None:
    with serve(Config(key=KEY, models=tmp_path, corpora=tmp_path / "nowhere")) as address:
        for name, code in (("calls", "clips-unusable"), ("nothing", "clips-unusable")):
            fields = {"name": "x", "recipe": name}
            refused = requests.post(f"{address}/train", data=fields, headers=HEADERS, timeout=60)
            assert_problem(refused, 422, code)
        fields = {"name": "x", "recipe": "emodb-svm"}
        started = requests.post(f"{address}/train", data=fields, headers=HEADERS, timeout=60).json()
        job = ended(address, started["id"])
        assert job.state == "failed"
        assert "No clip of emodb" in job.error and str(tmp_path) not in job.error
