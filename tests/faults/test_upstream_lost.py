"""llama.cpp's server is killed within replies, hangs, and comes back: each accepted turn ends, whole."""

import pytest

from deploy.local.llama_server import LlamaServer
from tests.support.stack import Story
from tests.support.waiting import wait_until

STORY = "Tell me a long story about a cat and a dog who travel around the world."


@pytest.mark.parametrize("stack", ["redis"], indirect=True)
def test_replies_of_a_server_that_is_killed_and_one_that_hangs_come_whole_from_the_next(
    story: Story, llama: LlamaServer
) -> None:
    (generator,) = story.generators(
        engine="upstream", upstream_urls=llama.url, upstream_key_file=llama.key_file, upstream_silence_seconds=2,
        max_batch_size=2, reply_policy="free", reply_tokens=48, lease_seconds=8,
    )  # fmt: skip

    def logged(words: str, times: int) -> None:
        wait_until(lambda: generator.log().count(words) >= times, 120, f"{words!r} in the log")

    callers = story.callers(3)
    told = [caller.ask(STORY) for caller in callers]
    told[0].wait_for_tokens(3, 120)
    llama.program.kill()
    logged("server lost", 1)
    told += [caller.ask("And then?") for caller in callers]  # accepted while no server answers
    llama.start()
    logged("server is back", 1)
    told[0].wait_for_attempt(2, 3, 240)
    llama.program.pause()
    logged("server lost", 2)
    llama.program.resume()
    story.check(300)
    assert any(len(one.attempts) > 1 for one in told), "no reply was lost midway"
