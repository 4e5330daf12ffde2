"""What people type becomes requests, or is refused in words to act on."""

from pathlib import Path

import pytest
from antiphon.v1 import feedback_pb2

from services.cli.ask import decoding, feedback_of
from services.cli.documents import choose
from services.cli.output import Failure
from services.cli.stack import last_words
from services.cli.state import parse_correction


def test_a_correction_names_service_slot_and_value() -> None:
    correction = parse_correction("order.visit_time = 2 pm")
    assert (correction.service, correction.slot, correction.value) == ("order", "visit_time", "2 pm")


def test_a_correction_without_a_value_deletes() -> None:
    assert not parse_correction("order.visit_time=").HasField("value")


@pytest.mark.parametrize("text", ["order.plan", "plan=Pro", ".plan=Pro", "order.=Pro", ""])
def test_other_corrections_are_refused_with_the_form_that_is_wanted(text: str) -> None:
    with pytest.raises(Failure, match=r"SERVICE\.SLOT=VALUE"):
        parse_correction(text)


def test_feedback_is_made_of_its_options() -> None:
    feedback = feedback_of("shorter", ["tea"], ["coffee"], 20)
    assert feedback is not None
    kinds = [constraint.kind for constraint in feedback.constraints]
    assert kinds == [
        feedback_pb2.CONSTRAINT_KIND_MUST_INCLUDE,
        feedback_pb2.CONSTRAINT_KIND_MUST_NOT_INCLUDE,
        feedback_pb2.CONSTRAINT_KIND_LENGTH,
    ]
    assert feedback.constraints[2].max == 20


def test_no_options_are_no_feedback_and_so_another_draw() -> None:
    assert feedback_of("", [], [], None) is None


def test_only_what_was_given_is_set() -> None:
    settings = decoding(0.0, None, None)
    assert settings.HasField("temperature")
    assert not settings.HasField("max_tokens")


def test_documents_of_a_folder_are_known_by_their_paths_in_it(tmp_path: Path) -> None:
    (tmp_path / "faq").mkdir()
    for name in ("faq/prices.md", "faq/notes.txt", "faq/picture.png", "start.md"):
        (tmp_path / name).write_text("text")
    assert list(choose([tmp_path]).files) == ["faq/notes.txt", "faq/prices.md", "start.md"]
    assert list(choose([tmp_path / "start.md"]).files) == ["start.md"]


def test_of_every_file_that_is_left_out_the_reason_is_said(tmp_path: Path) -> None:
    for name in ("start.md", "setup.exe", "sheet.XLSX", "~$sheet.xlsx", "README", ".hidden.md"):
        (tmp_path / name).write_text("words")
    (tmp_path / "empty.md").touch()
    choice = choose([tmp_path])
    assert list(choice.files) == ["sheet.XLSX", "start.md"]
    assert choice.left_out == {
        "README": "no ending is no kind that is read",
        "empty.md": "is empty",
        "setup.exe": ".exe is no kind that is read",
        "~$sheet.xlsx": "is kept by Office beside an open document",
    }
    with pytest.raises(Failure, match=r"setup\.exe: \.exe is no kind that is read"):
        choose([tmp_path / "setup.exe"])  # whatever is in it


def test_two_documents_of_one_name_are_refused(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same.md").write_text("text")
    with pytest.raises(Failure, match=r"same\.md"):
        choose([tmp_path / "a" / "same.md", tmp_path / "b" / "same.md"])


def test_nothing_to_add_is_said(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="no such file"):
        choose([tmp_path / "missing.md"])
    with pytest.raises(Failure, match="no document"):
        choose([tmp_path])


def test_the_last_state_of_a_progress_bar_is_shown(tmp_path: Path) -> None:
    log = tmp_path / "service.log"
    log.write_bytes(b"starting\nconverting 10 %\rconverting 90 %\r\n")
    assert last_words({"log": str(log)}, 1) == "converting 90 %"
