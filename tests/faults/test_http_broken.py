"""Gateways and HTTP replicas are killed: readers of a response go on at another one, no word is lost or doubled."""

from __future__ import annotations

import json
import threading
from typing import Any

import httpx2
import pytest

from deploy.local.ports import free_port
from tests.support.callers import words_of
from tests.support.processes import ServiceProcess
from tests.support.stack import Story
from tests.support.waiting import wait_until

pytestmark = pytest.mark.parametrize("stack", ["redis"], indirect=True)
WORDS = 200


class Reader(threading.Thread):
    """One user whose client reads a response to its end, at whichever replica answers."""

    def __init__(self, key: str, urls: list[str], text: str) -> None:
        super().__init__(daemon=True)
        self._key = key
        self._urls = urls
        self.said = text
        self.response = ""
        self.text = ""
        self.streams = 0
        self.heard = 0  # the stream that the last words came by
        self.end: dict[str, Any] = {}
        self._last = -1

    def run(self) -> None:
        url = self._urls[0]
        while not self.end and self.streams < 20:
            self.streams += 1
            try:
                with httpx2.Client(
                    trust_env=False, timeout=30, headers={"authorization": f"Bearer {self._key}"}
                ) as http:
                    self._read(http, url)
            except httpx2.HTTPError:
                url = self._urls[1 - self._urls.index(url)]

    def _read(self, http: httpx2.Client, url: str) -> None:
        if self.response:
            query = {"stream": "true", "starting_after": str(self._last)}
            request = http.build_request("GET", f"{url}/v1/responses/{self.response}", params=query)
        else:
            own = {"without_knowledge": True}
            body = {"model": "antiphon", "input": self.said, "stream": True, "antiphon": own}
            request = http.build_request("POST", f"{url}/v1/responses", json=body)
        answer = http.send(request, stream=True)
        answer.raise_for_status()
        for line in answer.iter_lines():
            if line.startswith("data: {"):
                self._take(json.loads(line.removeprefix("data: ")))

    def _take(self, event: dict[str, Any]) -> None:
        assert event["sequence_number"] > self._last
        self._last = event["sequence_number"]
        if event["type"] == "response.created":
            self.response = event["response"]["id"]
        if event["type"] == "response.output_text.delta":
            self.text += event["delta"]
            self.heard = self.streams
        if event["type"] in ("response.completed", "response.incomplete", "response.failed", "error"):
            self.end = event


def test_readers_go_on_while_gateways_replicas_and_generators_die(story: Story) -> None:
    generators = story.generators(2)
    ports = [free_port(), free_port()]
    gateways = ",".join(story.stack.addresses)
    replicas: list[ServiceProcess] = [story.spawn("web", web_port=port, web_gateways=gateways) for port in ports]
    urls = [f"http://127.0.0.1:{port}" for port in ports]
    readers = [Reader(story.key, urls, words_of(f"reader{number}", WORDS)) for number in range(8)]
    for reader in readers:
        reader.start()
    said = lambda words: all(len(reader.text.split()) > words or reader.end for reader in readers)  # noqa: E731
    wait_until(lambda: said(1), 60, "first words")
    story.kill(story.stack.gateways[0])
    wait_until(lambda: said(5), 60, "words after the gateway's death")
    story.kill(replicas[0])
    wait_until(lambda: all(reader.heard > 1 or reader.end for reader in readers), 60, "streams at the other replica")
    wait_until(lambda: said(10), 60, "words after the replica's death")
    story.kill(generators[0])
    for reader in readers:
        reader.join(60)
    for reader in readers:
        assert reader.end["type"] == "response.completed", reader.end
        assert reader.text == reader.said == reader.end["response"]["output"][0]["content"][0]["text"]
    assert any(reader.streams >= 2 for reader in readers), "the replica died before the replies were written"
