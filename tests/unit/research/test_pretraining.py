"""Training: text in order, triples, exact resumption, and a command whose result loads like any model."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

from research import pretrain
from research.pretraining.comments import commented_dialogues, commented_prose
from research.pretraining.corpus import (
    SegmentStream,
    read_dialogues,
    read_documents,
    split_documents,
)
from research.pretraining.curves import read_records
from research.pretraining.tasks import SegmentTask, TextTask, reply_logits
from research.pretraining.trainer import TrainingPlan, train
from research.pretraining.triples import Triple, damaged_triples, edit_triple, encode_triples
from research.pretraining.vocabulary import train_vocabulary
from services.models.interactive_transformer import (
    InteractiveTransformerConfig,
    InteractiveTransformerForCausalLM,
)

PROSE = (
    "The keeper lit the lamp at dusk. The sea was calm that night. A ship passed far away. "
    "Nobody saw its colours. The keeper wrote the hour down. He slept until the morning came. "
)


def small_model(**fields: object) -> InteractiveTransformerForCausalLM:
    torch.manual_seed(0)
    return InteractiveTransformerForCausalLM(
        InteractiveTransformerConfig(
            **{"vocab_size": 64, "hidden_size": 16, "num_hidden_layers": 2, "memory_length": 8, **fields}
        )
    )


def counting(tokens: int) -> np.ndarray:
    return (np.arange(tokens) * 7 % 61).astype(np.int32)


def test_lanes_follow_one_another_and_targets_are_the_next_tokens() -> None:
    stream = SegmentStream(np.arange(101, dtype=np.int32), batch=2, segment=10)
    first, targets, starts = stream.next()
    second, _, again = stream.next()
    assert starts
    assert not again
    assert first[:, 0].tolist() == [0, 50]
    assert second[:, 0].tolist() == [10, 60]
    assert torch.equal(targets, first + 1)
    for _ in range(3):
        stream.next()
    assert stream.next()[2]  # five segments a lane, then from the start


def test_a_text_too_short_for_its_lanes_is_refused() -> None:
    with pytest.raises(ValueError, match="do not fill"):
        SegmentStream(np.arange(10, dtype=np.int32), batch=4, segment=8)


def test_documents_are_read_in_order_and_held_out_whole_or_at_the_end_of_books(tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / f"{number}.txt").write_text(f"text {number}")
    (tmp_path / "packed.rst.gz").write_bytes(gzip.compress(b"packed"))
    (tmp_path / "binary.txt").write_bytes(b"\0\1\2")
    (tmp_path / "picture.png").write_text("no text by its name")
    documents = list(read_documents([tmp_path]))
    assert [d.text for d in documents] == ["text 0", "text 1", "text 2", "text 3", "packed"]
    assert documents[-1].kind == "rst"
    _, held = split_documents(documents, held_out=2)
    assert [d.text for d in held] == ["text 1", "text 3"]
    book_train, book_held = split_documents(documents[:1], held_out=3, whole=5)
    assert (book_train[0].text, book_held[0].text) == ("text", " 0")
    with pytest.raises(FileNotFoundError, match="no text at"):
        list(read_documents([tmp_path / "absent"]))


def test_dialogues_become_chats_that_the_vocabulary_reads_as_messages(tmp_path: Path) -> None:
    turns = [{"speaker": "USER", "text": "a room"}, {"speaker": "SYSTEM", "text": "which day?"}]
    path = tmp_path / "talk.jsonl"
    path.write_text(json.dumps({"id": "d1", "turns": turns}) + "\n")
    document = next(iter(read_dialogues(path)))
    tokenizer = train_vocabulary([PROSE], 300)
    chat = [{"role": "user", "content": "a room"}, {"role": "assistant", "content": "which day?"}]
    assert document.text == tokenizer.apply_chat_template(chat, tokenize=False)
    ids = tokenizer.encode(document.text)
    assert ids[0] == tokenizer.convert_tokens_to_ids("<|user|>")
    assert ids.count(tokenizer.convert_tokens_to_ids("<|end|>")) == 2


def test_any_text_survives_the_vocabulary() -> None:
    tokenizer = train_vocabulary([PROSE], 300)
    text = "naïve 日本 \n\tx = {1: 'é'}"
    assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False)) == text


def test_a_resumed_run_takes_the_steps_of_an_unbroken_one(tmp_path: Path) -> None:
    def run(folder: Path, *stops: int) -> list[float]:
        for stop in stops:
            task = TextTask(counting(2000), None, batch=2, segment=8, memory=8)
            plan = TrainingPlan(steps=12, warmup=2, precision="fp32", log_every=1, save_every=1)
            model = small_model(dropout=0.1)
            if stop < 12:
                task.loss, taken = limited(task, stop)
                with pytest.raises(KeyboardInterrupt):
                    train(model, task, plan, folder)
                assert taken
            else:
                train(model, task, plan, folder)
        return [record["loss"] for record in read_records(folder)]

    def limited(task, stop):  # type: ignore[no-untyped-def]
        """The task's loss, interrupted (as by Ctrl-C) when `stop` steps are done."""
        inner, taken = task.loss, []

        def loss(model):  # type: ignore[no-untyped-def]
            if task.stream.position >= stop:
                raise KeyboardInterrupt
            taken.append(1)
            return inner(model)

        return loss, taken

    assert run(tmp_path / "broken", 5, 9, 12) == run(tmp_path / "whole", 12)
    assert (tmp_path / "whole" / "curve.svg").read_text().startswith("<svg")
    assert not [p for p in (tmp_path / "whole").iterdir() if p.suffix in {".pt", ".bin", ".pkl"}]


def test_mixed_precision_keeps_weights_in_single_precision_and_learns(tmp_path: Path) -> None:
    model = small_model()
    task = TextTask(counting(2000), counting(300), batch=4, segment=8, memory=8)
    train(model, task, TrainingPlan(steps=40, learning_rate=1e-2, warmup=4, evaluate_every=20), tmp_path)
    records = read_records(tmp_path)
    assert records[-1]["loss"] < records[0]["loss"]
    assert "held_out" in records[-1]
    assert {p.dtype for p in model.parameters()} == {torch.float32}


def test_a_pretrained_model_learns_on_segments_with_its_own_keys_as_memory(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=64,
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=64,
        )
    ).eval()
    text = torch.from_numpy(counting(33).astype(np.int64))[None]
    task = SegmentTask(counting(400), None, batch=1, segment=8, memory=32)
    with torch.no_grad():  # with the memory covering everything, segments say what the whole text says
        parts = [task._read(model, part, False) for part in text[:, :32].split(8, 1)]
        torch.testing.assert_close(torch.cat(parts, 1), model(text[:, :32]).logits, atol=1e-5, rtol=1e-5)
    assert not any(layer.keys.requires_grad for layer in task.cache.layers)  # type: ignore[union-attr]
    task = SegmentTask(counting(400), counting(100), batch=2, segment=8, memory=12)
    plan = TrainingPlan(steps=30, learning_rate=1e-2, warmup=2, precision="fp32", log_every=5, save_every=10)
    train(model, task, plan, tmp_path)
    records = read_records(tmp_path)
    assert records[-1]["loss"] < records[0]["loss"]
    assert task.carried()["keys.0"].shape[-2] == 12


EDIT = {
    "question": "Who kept the lamp?",
    "passages": [["The lamp", "The keeper lit it.", "It burned all night.", "Ships saw it.", "No one came."]],
    "reply": "A ship. The keeper.",
    "feedback": {
        "errors": [{"error type": "Irrelevant", "start": 0, "end": 7}],
        "missing-info": [{"passage_id": 1, "sentence_id": [2]}],
        "corrected-prediction": "The keeper. It burned all night.",
    },
}


def test_a_human_edit_becomes_a_triple_in_words() -> None:
    triple = edit_triple(EDIT)
    assert triple is not None
    assert triple.feedback == "Irrelevant: A ship.\nMissing: It burned all night."
    unchanged = {**EDIT, "feedback": {**EDIT["feedback"], "corrected-prediction": EDIT["reply"]}}
    assert edit_triple(unchanged) is None


def test_damaged_triples_say_what_was_taken_and_what_was_put_in() -> None:
    for triple in damaged_triples([PROSE, PROSE.upper()], 20, seed=1):
        missing, strange = (line.split(": ", 1)[1] for line in triple.feedback.split("\n"))
        assert missing in triple.reply
        assert strange in triple.draft


def test_comments_on_prose_name_words_of_the_sentence_that_the_draft_lacks() -> None:
    names = [(f"lantern{number}", f"harbour{number}") for number in range(30)]
    texts = [f"It is so. We saw a {a} there. Then came the {b} too. That was it." for a, b in names]
    triples = commented_prose(texts, 10, seed=2)
    assert len(triples) == 10
    for triple in triples:
        named = triple.feedback.removeprefix("Mention ").split(", ")
        assert all(word in triple.reply and word not in f"{triple.question} {triple.draft}" for word in named)
    with pytest.raises(ValueError, match="no text has more"):
        commented_prose(["One sentence."], 1, seed=0)


def test_comments_in_dialogues_say_what_the_reply_mentions_and_the_draft_does_not() -> None:
    places = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot"] * 20
    dialogues = [["which one ?", f"the {place} number {number}", "thanks"] for number, place in enumerate(places)]
    triples = commented_dialogues(dialogues, 30, seed=3)
    assert len(triples) == 30
    for triple in triples:
        named = triple.feedback.removeprefix("Mention ").split(", ")
        assert all(word in triple.reply and word not in f"{triple.question} {triple.draft}" for word in named)
    with pytest.raises(ValueError, match="no dialogue has a turn"):
        commented_dialogues([["alone"]], 1, seed=0)


@pytest.mark.parametrize("in_prompt", [False, True])
def test_the_replys_logits_are_those_of_the_whole_row(in_prompt: bool) -> None:
    tokenizer = train_vocabulary([PROSE], 300)
    triples = [Triple("who?", "a ship", "the keeper", "the keeper slept", "made"), Triple("and?", "", "", "he", "made")]
    batch = encode_triples(tokenizer, triples, 32, in_prompt)
    model = small_model(vocab_size=len(tokenizer), fusion="literal", feedback_encoder="mean").eval()
    feedback = {} if in_prompt else {"feedback_ids": batch.feedback_ids, "feedback_mask": batch.feedback_mask}
    with torch.no_grad():
        whole = model(batch.ids, attention_mask=batch.mask, use_cache=False, **feedback).logits
        logits, targets = reply_logits(model, batch, in_prompt)
    assert torch.equal(targets[targets >= 0], batch.targets[batch.targets >= 0])
    torch.testing.assert_close(logits[targets >= 0], whole[batch.targets >= 0])


def test_the_feedback_path_learns_at_its_own_rate(tmp_path: Path) -> None:
    model = small_model(fusion="general", feedback_encoder="mean")
    plan = TrainingPlan(steps=1, warmup=0, precision="fp32", weight_decay=0.0, feedback_rate=5.0, learning_rate=1e-3)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    words = torch.tensor([[5, 6, 7]])

    class Told:
        def loss(self, told):  # type: ignore[no-untyped-def]
            return told(words, words, labels=words).loss, 2

        def carried(self) -> dict[str, torch.Tensor]:
            return {}

    train(model, Told(), plan, tmp_path)  # type: ignore[arg-type]
    moved = {name: float((p.detach() - before[name]).abs().max()) for name, p in model.named_parameters()}
    assert moved["fusion.feedback.weight"] == pytest.approx(5e-3, rel=0.05)  # Adam's first step is the rate itself
    assert moved["transformer.layers.unique.0.feed_forward.outer.weight"] == pytest.approx(1e-3, rel=0.05)


def test_rows_of_triples_ask_for_the_reply_alone() -> None:
    tokenizer = train_vocabulary([PROSE], 300)
    triples = [Triple("who?", "a ship", "Missing: the keeper", "the keeper", "made")] * 2
    batch = encode_triples(tokenizer, triples, 32, feedback=["", triples[0].feedback])
    target = batch.targets[0][batch.targets[0] >= 0].tolist()
    assert tokenizer.decode(target, skip_special_tokens=True) == "the keeper"
    assert target[-1] == tokenizer.convert_tokens_to_ids("<|end|>")
    assert batch.feedback_mask.any(1).tolist() == [False, True]
    assert "Missing" not in tokenizer.decode(batch.ids[0])
    in_prompt = encode_triples(tokenizer, triples, 32, in_prompt=True)
    assert "Missing: the keeper" in tokenizer.decode(in_prompt.ids[0])


def test_the_command_trains_all_three_stages(tmp_path: Path) -> None:
    (tmp_path / "text").mkdir()
    for number in range(40):
        (tmp_path / "text" / f"{number}.txt").write_text(PROSE * 3)
    (tmp_path / "data").mkdir()
    lines = "".join(json.dumps(EDIT) + "\n" for _ in range(6))
    (tmp_path / "data" / pretrain.EDITS).write_bytes(gzip.compress(lines.encode()))
    common = ["--batch", "2", "--precision", "fp32"]
    sizes = json.dumps({"hidden_size": 16, "num_hidden_layers": 1})
    text = ["text", "--text", f"{tmp_path}/text", "--out", f"{tmp_path}/one", "--steps", "4", "--vocabulary", "300"]
    assert pretrain.main([*text, "--segment", "8", "--memory", "8", "--config", sizes, *common]) == 0
    triples = ["triples", "--model", f"{tmp_path}/one", "--data", f"{tmp_path}/data", "--out", f"{tmp_path}/two"]
    change = '{"fusion": "general", "feedback_encoder": "contextual"}'
    assert pretrain.main([*triples, "--made", "5", "--steps", "3", "--config", change, *common]) == 0
    turns = [{"speaker": "USER", "text": "who ?"}, {"speaker": "SYSTEM", "text": "the keeper"}]
    (tmp_path / "talk.jsonl").write_text(json.dumps({"id": "d", "turns": turns}) + "\n")
    heads = [*triples[:-1], f"{tmp_path}/heads", "--made", "5", "--steps", "3", "--heads-only", "--feedback-rate", "3"]
    heads += ["--dialogues", f"{tmp_path}/talk.jsonl"]
    assert pretrain.main([*heads, *common]) == 0
    before, after = (AutoModelForCausalLM.from_pretrained(tmp_path / name).eval() for name in ("one", "heads"))
    ids, feedback = torch.tensor([[5, 6, 7]]), torch.tensor([[8, 9]])
    assert torch.equal(before(ids).logits, after(ids).logits)
    assert not torch.equal(before(ids, feedback).logits, after(ids, feedback).logits)
    segments = ["segments", "--model", f"{tmp_path}/two", "--text", f"{tmp_path}/text", "--segment", "8"]
    assert pretrain.main([*segments, "--out", f"{tmp_path}/three", "--steps", "3", *common]) == 0
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "three")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "three")
    assert (model.config.fusion, model.config.feedback_encoder) == ("general", "contextual")
    chat = tokenizer.apply_chat_template([{"role": "user", "content": "who?"}], add_generation_prompt=True)
    ids = torch.tensor([chat["input_ids"] if not isinstance(chat, list) else chat])
    assert model.generate(ids, max_new_tokens=3, do_sample=False).shape[1] <= ids.shape[1] + 3
    summary = json.loads((tmp_path / "two" / "training.json").read_text())
    assert {"command", "seed", "parameters", "loss"} <= set(summary)
