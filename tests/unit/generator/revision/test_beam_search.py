"""Beam search: what it chooses can be recomputed, phrases are not crowded out, and it is one draft like others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from services.common.constraints import Constraint
from services.generator.engine import Branching, DecodeSettings, DraftRequest, Engine, FinishedDraft, FusionInput
from services.generator.engine.backends.build import build_backend
from services.generator.engine.backends.echo import EchoBackend
from services.generator.revision import beam_draft
from services.generator.revision.beam_search import Beams, Hypothesis, Search, dealt
from services.generator.revision.best_of_n import BestOfN
from services.generator.revision.constraint_credit import Credit
from services.generator.revision.policy import RevisionPolicy
from services.generator.settings import GeneratorSettings
from services.models.language_model import content_hash, load_module
from tests.unit.generator.conftest import Heard
from tests.unit.generator.engine.test_fusion import random_head, vectors

PROMPT = "the cat and the"
WANTED = (Constraint("must_include", "zebra"),)


class Running:
    """An engine over a tiny model."""

    def __init__(self, kind: str, folder: Path, cache: Path, rows: int = 8) -> None:
        engine, _, kernel = kind.partition("-")
        settings = GeneratorSettings(
            engine=engine,
            kernel=kernel,
            max_batch_size=rows,
            cache_dir=cache,
            model=str(folder),
        )
        self.version = content_hash(folder, cache)
        backend = build_backend(settings)
        backend.load_head("head", random_head(1))
        self.engine = Engine(backend)

    def submit(
        self, key: str, beams: Beams | None, text: str = PROMPT, fusion: FusionInput | None = None, **more: object
    ) -> Heard:
        settings = DecodeSettings(scored=True, **{"max_new_tokens": 8, **more})
        tail = tuple(self.engine.codec.encode(text))
        heard = Heard()
        request = DraftRequest(key, "t", key, self.version, (), tail, settings, fusion=fusion)
        beam_draft.submit(self.engine, request, heard, beams)
        return heard


@pytest.fixture(scope="module", params=["slots-fp32", "slots-int4", "module-fp32"])
def running(request: pytest.FixtureRequest, tiny_model: Path, cache_dir: Path) -> Running:
    return Running(request.param, tiny_model, cache_dir)


def test_one_beam_without_terms_is_the_greedy_draft(running: Running) -> None:
    for n, text in enumerate((PROMPT, "x", "a long way home, and")):
        greedy = running.submit(f"greedy{n}", None, text, max_new_tokens=20).wait()
        one = running.submit(f"one{n}", Beams(1), text, max_new_tokens=20).wait()
        assert (one.token_ids, one.text, one.finish_reason) == (greedy.token_ids, greedy.text, greedy.finish_reason)
        assert one.log_likelihood == pytest.approx(greedy.log_likelihood, abs=1e-5)


def test_a_search_is_the_same_in_company_and_alone(running: Running) -> None:
    beams = Beams(3, 5.0, WANTED)
    alone = running.submit("alone", beams).wait()
    others = [running.submit(f"other{n}", None, "a dog" * n + " x", max_new_tokens=30) for n in range(4)]
    together = [running.submit(f"beams{n}", beams) for n in range(3)]
    for heard in together:
        draft = heard.wait()
        assert (draft.token_ids, draft.log_likelihood) == (alone.token_ids, alone.log_likelihood)
    for heard in others:
        heard.wait()


def test_nothing_is_shown_before_the_end_and_then_all_of_it(running: Running) -> None:
    heard = running.submit("shown", Beams(2))
    draft = heard.wait()
    assert heard.progress >= len(draft.token_ids)
    assert [text for text, _ in heard.deltas] == [draft.text]
    assert [ids for _, ids in heard.deltas] == [list(draft.token_ids)]


def test_the_wanted_phrase_is_found_by_the_score_alone(running: Running) -> None:
    lengths = {"max_new_tokens": 16, "min_new_tokens": 16}
    without = running.submit("without", Beams(4), **lengths).wait()
    found = running.submit("with", Beams(4, 50.0, WANTED), **lengths).wait()
    assert "zebra" not in without.text.lower().split()
    assert Credit(WANTED).in_the_end(found.text) == 1


def test_all_rows_are_free_again_and_a_cancelled_search_keeps_its_best_text(running: Running) -> None:
    heard = running.submit("cancelled", Beams(4), max_new_tokens=400, min_new_tokens=400)
    while heard.progress < 3:
        with heard.advanced:
            heard.advanced.wait(1)
    assert running.engine.cancel("cancelled")
    draft = heard.wait()
    assert draft.finish_reason == "cancelled"
    assert draft.text == running.engine.codec.decode(draft.token_ids)
    assert draft.token_ids
    after = [running.submit(f"after{n}", Beams(4)) for n in range(3)]
    assert len({heard.wait().token_ids for heard in after}) == 1
    assert running.engine.apply(lambda backend: backend.figures()["slots_open"]).result() == 0
    assert running.engine.stats().rows == 0


def test_more_beams_than_rows_are_refused(running: Running) -> None:
    with pytest.raises(ValueError, match="9 branches"):
        running.submit("many", Beams(9))


def test_a_search_waits_for_all_its_rows_and_is_not_passed_by_those_who_need_one(running: Running) -> None:
    order: list[str] = []

    class Ending(Heard):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

        def on_finish(self, draft: FinishedDraft) -> None:
            order.append(self.name)
            super().on_finish(draft)

    def submit(name: str, length: int, beams: Beams | None = None) -> Heard:
        settings = DecodeSettings(max_new_tokens=length, min_new_tokens=length)
        tail = tuple(running.engine.codec.encode(PROMPT))
        heard = Ending(name)
        request = DraftRequest(name, name, name, running.version, (), tail, settings)
        beam_draft.submit(running.engine, request, heard, beams)
        return heard

    before = submit("before", 40)
    before.wait_for_deltas(1)
    every = [submit("searched", 8, Beams(8)), *(submit(f"after{n}", 2) for n in range(3)), before]
    for heard in every:
        heard.wait()
    assert order[:2] == ["before", "searched"]


def test_candidates_are_searched_for_from_the_prompt_that_each_is_written_from(running: Running) -> None:
    beams = Beams(2, 5.0, WANTED)
    anew = tuple(running.engine.codec.encode("x"))
    tail = tuple(running.engine.codec.encode(PROMPT))
    for constraints, wording in ((WANTED, "x"), ((Constraint("format", "table"),), PROMPT)):
        settings = DecodeSettings(max_new_tokens=8)
        request = DraftRequest(wording, "t", "candidates", running.version, (), tail, settings)
        heard = Heard()
        BestOfN(
            running.engine,
            request,
            heard,
            RevisionPolicy(tuple(constraints), count=1, weight=5.0, temperature=0.7, anew=anew, beams=beams),
        ).submit()
        assert heard.wait().token_ids == running.submit(f"alone {wording}", beams, wording).wait().token_ids


def test_a_fused_search_goes_on_where_its_hypotheses_were(running: Running) -> None:
    def ask(key: str, beams: Beams | None) -> FinishedDraft:
        return running.submit(key, beams, fusion=FusionInput("head", vectors(3, "feedback"))).wait()

    assert ask("fused one", Beams(1)).token_ids == ask("fused greedy", None).token_ids
    assert ask("fused two", Beams(2)).token_ids == ask("fused two again", Beams(2)).token_ids


def test_what_processors_have_begun_goes_on_in_every_hypothesis(running: Running) -> None:
    constraints = (Constraint("start", "a cat walks home"), Constraint("end", "the end"))
    settings = {"constraints": constraints, "max_new_tokens": 40}
    draft = running.submit("shaped", Beams(3, 5.0, constraints), **settings).wait()
    assert draft.text.startswith("a cat walks home")
    assert draft.text.endswith("the end")
    assert draft.text.count("a cat walks home") == 1


def test_echo_leaves_beams_aside() -> None:
    engine = Engine(EchoBackend())
    heard = Heard()
    request = DraftRequest("a", "t", "s", "v", (), tuple(engine.codec.encode("one two")))
    beam_draft.submit(engine, request, heard, Beams(4))
    assert heard.wait().text == "one two"
    assert len(heard.deltas) == 2
    with pytest.raises(ValueError, match="do not branch"):
        engine.submit(replace(request, branching=Branching(2)), Heard())
    engine.close()


def test_a_listener_that_fails_to_choose_ends_its_own_draft_alone(running: Running) -> None:
    class Confused(Heard):
        def on_proposals(self, proposals: object) -> list[object]:
            raise LookupError("no choice")

    tail = tuple(running.engine.codec.encode(PROMPT))
    confused, beside = Confused(), running.submit("beside", None)
    request = DraftRequest("confused", "t", "confused", running.version, (), tail, branching=Branching(2))
    running.engine.submit(request, confused)
    with pytest.raises(LookupError):
        confused.wait()
    assert beside.wait().token_ids
    assert running.submit("later", Beams(8)).wait().token_ids, "all rows are free again"


def test_the_search_is_the_one_that_whole_passes_of_the_model_give(tiny_model: Path, cache_dir: Path) -> None:
    """Recomputed from the module's logits over all tokens, with terms and without, to the same ids and log P."""
    running = Running("slots-fp32", tiny_model, cache_dir)
    module, codec, length = load_module(tiny_model), running.engine.codec, 6
    prompt = codec.encode(PROMPT)
    for width, weight, constraints in ((2, 0.0, ()), (4, 0.0, ()), (3, 4.0, WANTED)):
        draft = running.submit(f"{width} {weight}", Beams(width, weight, constraints), max_new_tokens=length).wait()
        credit = Credit(constraints)
        live: list[tuple[tuple[int, ...], float]] = [((), 0.0)]
        ended: list[tuple[float, tuple[int, ...], float]] = []
        complete = 0
        while live and complete < width:
            found = []
            for ids, total in live:
                with torch.inference_mode():
                    logits = module(torch.tensor([[*prompt, *ids]])).logits[0, -1].log_softmax(0)
                owed = {
                    way[0]
                    for phrase in credit.owed(codec.decode(ids))
                    for way in (codec.encode(" " + phrase), codec.encode(phrase))
                }
                top = set(logits.topk(width + 1).indices.tolist())
                for token in top | owed:
                    made, likelihood = (*ids, token), total + float(logits[token])
                    text = codec.decode(made)
                    over = token in codec.end_ids or len(made) == length
                    whole = ids if token in codec.end_ids else made
                    text = codec.decode(whole)
                    value = likelihood / max(1, len(whole)) ** 0.7
                    if over:
                        value += weight * (credit.in_the_end(text) - (token not in codec.end_ids))
                    else:
                        value += weight * credit.so_far(text, length - len(made))
                    found.append((value, whole, likelihood, over, credit.bank(text)))
            found.sort(key=lambda one: -one[0])

            def chosen(some: list[tuple[float, tuple[int, ...], float, bool, int]]) -> list[int]:
                hypotheses = [Hypothesis(one[1], one[2], 0.0, "", one[0], one[4]) for one in some]
                picked = {id(one) for _, one in dealt([(0, one) for one in hypotheses], width)}  # noqa: B023
                return [at for at, one in enumerate(hypotheses) if id(one) in picked]

            over_now = [found[at] for at in chosen(found) if found[at][3]]
            complete += sum(not credit.owed(codec.decode(one[1])) for one in over_now)
            ended += [one[:3] for one in over_now]
            going_on = [one for one in found if not one[3]]
            live = [(going_on[at][1], going_on[at][2]) for at in chosen(going_on)]
        value, ids, likelihood = max(ended)
        assert draft.token_ids == ids
        assert draft.log_likelihood == pytest.approx(likelihood, abs=1e-3)


def test_places_go_to_hypotheses_with_the_phrase_before_likelier_ones_without() -> None:
    likely = [Hypothesis((n,), -1.0, 0.0, "", 10.0 - n, 0) for n in range(5)]
    with_phrase = Hypothesis((9,), -50.0, 0.0, "", -20.0, 2)
    found = [(0, one) for one in [*likely, with_phrase]]
    assert [one.ids for _, one in dealt(found, 4)] == [(0,), (1,), (2,), (9,)]
    assert [one.ids for _, one in dealt(found, 2)] == [(0,), (9,)]
    assert [one.ids for _, one in dealt(found[:5], 3)] == [(0,), (1,), (2,)]


def test_a_search_ends_when_nothing_can_come_to_more_than_what_is_finished() -> None:
    search = Search(Beams(2), 10, frozenset({0}), (), lambda token: b"x", lambda ids: "", lambda phrase: ())
    search.advance([[(0, -0.1, -0.1), (5, -3.0, -3.0)]])
    assert [one.ended for one in search.finished] == ["stop"]
    assert search.done
    assert search.best().ids == ()


def test_credit_counts_what_is_begun_lost_and_still_in_reach() -> None:
    wants = Credit((Constraint("must_include", "light bulb"), Constraint("must_not_include", "gas")))
    assert wants.so_far("It is a", 9) == 1.0
    assert 1.0 < wants.so_far("It is a light b", 9) < 1.5
    assert wants.so_far("A light bulb is", 9) == 2.0
    assert wants.so_far("A light bulb of gas", 9) == 1.0
    assert [wants.bank(text) for text in ("It is", "It is a lig", "A light bulb")] == [0, 30, 100]
    long = Credit((Constraint("length", "", "words", 10, None), Constraint("length", "", "sentences", None, 1)))
    assert long.so_far("One two", 8) == 2.0
    assert long.so_far("One two", 7) == 1.0
    assert long.so_far("One. Two. Three", 8) == 1.0, "there are too many sentences"
