"""Notes at the fusion head: the identity before training, what the notes offer after it, and a file that comes back."""

import random

import pytest
import torch

from services.finetune.fusing.notes import Answered, NoteTrainer
from services.models.fusion import BadHead, read_head, write_head
from services.models.note_states import MOST, NAME, NoteFeatures, NoteHead, note_head, note_ids

SIZE, WORDS = 24, 40


def embedding() -> torch.Tensor:
    return torch.randn(WORDS, SIZE, generator=torch.Generator().manual_seed(0))


def carried(head: NoteHead, notes: list[tuple[int, ...]]) -> torch.Tensor:
    with torch.no_grad():
        return head.reader.prepared(*NoteFeatures(embedding()).of(notes))[None]


def unsettle(head: NoteHead) -> None:
    """Weights by chance, so that what the notes say is heard."""
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter, std=0.3)


def fused(head: NoteHead, hidden: torch.Tensor, notes: list[tuple[int, ...]]) -> torch.Tensor:
    with torch.no_grad():
        return head.fuse(hidden, {NAME: carried(head, notes)}, {NAME: torch.tensor([True])})


def test_an_untrained_head_changes_nothing() -> None:
    hidden = torch.randn(1, SIZE)
    assert torch.equal(fused(note_head(SIZE, "base", SIZE), hidden, [(1, 2, 3)]), hidden)


def test_a_row_without_notes_stays_as_it_was() -> None:
    head = note_head(SIZE, "base", SIZE)
    unsettle(head)
    hidden = torch.randn(1, SIZE)
    with torch.no_grad():
        absent = head.fuse(hidden, {NAME: carried(head, [(1, 2, 3)])}, {NAME: torch.tensor([False])})
    assert torch.equal(absent, hidden)
    assert torch.equal(head.fuse(hidden, {}, {}), hidden)


def test_tokens_beyond_the_most_are_left_out() -> None:
    head = note_head(SIZE, "base", SIZE)
    long = tuple(n % WORDS for n in range(MOST + 50))
    assert torch.equal(carried(head, [long]), carried(head, [long[: MOST + 1]]))
    assert float(carried(head, [(1, 2, 3)])[..., -1].sum()) == 2


def test_a_trained_head_says_what_its_own_notes_say() -> None:
    """The state says which word was said last; what follows it stands in the notes alone."""
    torch.manual_seed(0)
    chance, output, said = random.Random(0), embedding(), (5, 6, 7, 8)
    data = []
    for _ in range(64):
        answers = chance.sample(range(20, WORDS), 4)
        note = tuple(token for pair in zip(said, answers, strict=True) for token in pair)
        data.append(Answered(0.5 * output[list(said)].half(), torch.tensor(answers), (note,)))
    trainer = NoteTrainer(note_head(SIZE, "base", SIZE), NoteFeatures(output), output, rate=2e-3, seed=0)
    trainer.train(data, 300, 8, lambda step, loss: None)
    assert trainer.measure(data, "own") < 1 < trainer.measure(data, "none")
    assert trainer.measure(data, "other") > 3


def test_a_head_comes_back_from_its_file_and_only_as_what_it_is() -> None:
    head = note_head(SIZE, "base", SIZE).eval()
    unsettle(head)
    content = write_head(head)
    hidden = torch.randn(1, SIZE)
    again = read_head(content, "base", NoteHead)
    assert isinstance(again, NoteHead)
    assert torch.allclose(fused(again, hidden, [(1, 2, 3)]), fused(head, hidden, [(1, 2, 3)]), atol=1e-2)
    with pytest.raises(BadHead):
        read_head(content, "base")


def test_a_note_is_read_as_in_the_middle_of_a_text() -> None:
    assert note_ids(lambda text: [ord(one) for one in text], "ab") == (32, 97, 98)
