"""Running an installation from the command line: feedback in and out, quotas, backup and restore."""

import json
from pathlib import Path

from tests.support.command import Command
from tests.support.waiting import wait_until


def test_a_file_of_feedback_goes_in_but_for_its_broken_lines_and_comes_out(antiphon: Command, tmp_path: Path) -> None:
    good = {"prompt": "Where is it?", "reply": "?", "userId": "olga", "feedback": {"editedText": "On the shelf."}}
    file = tmp_path / "reviews.jsonl"
    file.write_text(json.dumps(good) + "\nbroken\n" + json.dumps({**good, "prompt": "And now?"}) + "\n")
    with file.open("a") as lines:
        lines.write(json.dumps({**good, "feedback": {"comment": "x" * 10_000_000}}) + "\n")
    done = antiphon.json("feedback", "import", str(file))
    assert (done["import"]["stored"], done["import"]["refused"]) == ("2", "2")
    assert [line["line"] for line in done["refused"]] == ["2", "4"]
    assert "characters" in done["refused"][1]["reason"]
    again = antiphon.json("feedback", "import", str(file))
    assert again["import"]["id"] == done["import"]["id"]  # the same file is the same import
    wait_until(lambda: "2 processed" in antiphon("feedback", "status", done["import"]["id"]).out, 60, interval=0.3)
    lines = antiphon("feedback", "export", "--user", "olga").out.splitlines()
    assert [json.loads(line)["feedback"]["edited_text"] for line in lines] == ["On the shelf."] * 2


def test_versions_and_trainings_are_listed(antiphon: Command) -> None:
    trainings = antiphon.json("train", "list").get("trainings", [])  # corrections of other tests may have begun one
    assert all(training["id"].startswith("training_") for training in trainings)
    assert antiphon.json("models", "list")["pointer"].keys() <= {"epoch"}  # to none
    (serving,) = antiphon.json("models", "serving")["serving"]
    assert serving["worker"].startswith("generator")
    assert "NO_PREVIOUS" in antiphon("models", "rollback", status=1).err


def test_a_quota_is_set_shown_and_lifted(antiphon: Command) -> None:
    assert antiphon.json("admin", "quotas", "trainings_per_day=3")["quotas"] == {"trainings_per_day": 3}
    assert "trainings_per_day 3" in antiphon("admin", "show").out
    assert "not NAME=NUMBER" in antiphon("admin", "quotas", "trainings=3", status=1).err
    assert "quotas" not in antiphon("admin", "quotas", "trainings_per_day=0", "--json").json.get("quotas", {})


def test_a_backup_of_the_running_stack_fills_another_home(antiphon: Command, session: str, tmp_path: Path) -> None:
    antiphon("ask", "remember this", "--session", session)
    folder = tmp_path / "backup"
    written = antiphon.json("admin", "backup", str(folder))
    assert written["documents"]["turns"] >= 1
    assert "antiphon down" in " ".join(antiphon("admin", "restore", str(folder), status=1).err.split())
    other = Command(tmp_path / "other")
    assert other.json("admin", "restore", str(folder)) == written
    assert "not empty" in other("admin", "restore", str(folder), status=1).err
