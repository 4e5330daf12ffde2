"""Feedback: what is learned of it, how much of an answer, and whether files are read as they were written."""

from __future__ import annotations

import codecs
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from antiphon.v1 import feedback_pb2
from typer.testing import CliRunner

from research.eval.cases.check import Check, Desk, lines_of
from research.eval.service.stack import wait_until
from services.cli.app import app
from services.finetune.domain.sets import NothingToLearn, plan_set
from services.finetune.settings import FinetuneSettings
from services.finetune.training.texts import Texts


def import_lines(desk: Desk, lines: list[str]) -> Any:
    """Import lines of JSON and wait until they are examples; the import."""
    feedback = desk.client.feedback
    opened = getattr(feedback.OpenImport(feedback_pb2.OpenImportRequest(name="case")), "import")
    items = [feedback_pb2.ImportItem(json=line) for line in lines]
    feedback.AppendImport(feedback_pb2.AppendImportRequest(import_id=opened.id, first_line=1, items=items))
    feedback.CloseImport(feedback_pb2.CloseImportRequest(import_id=opened.id, total_lines=len(lines)))
    request = feedback_pb2.GetImportRequest(import_id=opened.id)

    def is_done() -> bool:
        answer = getattr(feedback.GetImport(request), "import")
        return bool(answer.status == feedback_pb2.IMPORT_STATUS_DONE)

    wait_until(is_done, 60, "the import")
    return opened


def check_last_words(desk: Desk, file: Path) -> list[Check]:
    """The training set has each prompt's last answer, and none that was spoken against afterwards."""
    lines = lines_of(file)
    expected: dict[str, str | None] = {}
    for item in map(json.loads, lines):
        said = item["feedback"]
        edited, rating, prompt = said.get("edited_text") or said.get("editedText"), said.get("rating"), item["prompt"]
        if edited or (rating or 0) >= 4:
            expected[prompt] = edited or item["reply"]
        elif expected.get(prompt) == item["reply"]:
            expected[prompt] = None
        expected.setdefault(prompt, None)
    import_lines(desk, lines)
    examples = desk.store.examples
    new, old = examples.untrained(desk.tenant), examples.trained(desk.tenant)
    try:
        plan = plan_set(new, old, [])
        learned = {one["prompt"]: one["answer"] for one in examples.read(desk.tenant, list(plan.new))}
    except NothingToLearn:
        learned = {}
    return [
        Check(f"{file.name}: {prompt}", learned.get(prompt) == answer, str(learned.get(prompt)))
        for prompt, answer in expected.items()
    ]


def check_whole_answers(desk: Desk, file: Path) -> list[Check]:
    """The whole answer is learned with an end, or the line is refused with the reason."""
    settings = FinetuneSettings()
    texts = Texts(settings.model, settings.cache_dir, settings.system_text)
    import_lines(desk, lines_of(file))
    checks = []
    for item in map(json.loads, lines_of(file)):
        answer = item["feedback"].get("edited_text") or item["feedback"].get("editedText") or item["reply"]
        stored = [one for one in desk.store.feedback.export(desk.tenant, {}) if one["prompt"] == item["prompt"]]
        if any(one.get("refusal") for one in stored) or not texts.fits(answer):
            checks.append(Check(f"{file.name}: {answer[:60]}", True, "refused"))
            continue
        sample = texts.sample(item["prompt"], answer)
        said = texts.decode(sample.answer)
        checks.append(Check(f"{file.name}: {answer[:60]}", said == answer and sample.answer[-1] in texts.end_ids, said))
    return checks


def check_file(desk: Desk, file: Path) -> list[Check]:
    """The command stores every line as it was written, or refuses the file and says so by its status."""
    content = file.read_bytes()
    status, text = _command(desk, file)
    records = list(desk.store.feedback.export(desk.tenant, {}))
    broken = any("\ufffd" in str(record.get(name)) for record in records for name in ("prompt", "reply", "edited_text"))
    try:
        encoding = "utf-16" if content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"
        lines = [line for line in content.decode(encoding).split("\n") if line.strip()]
    except UnicodeDecodeError:
        return [
            Check(f"{file.name}: refused, or read in its encoding", not broken and (status != 0 or bool(records)), text)
        ]
    items = [line for line in lines if _is_item(line)]
    stored = len(records) == len(items) and not broken
    checks = [Check(f"{file.name}: every line is stored", stored, f"{len(records)} of {len(items)}; {text}")]
    checks.append(Check(f"{file.name}: status", (status == 0) == bool(items), str(status)))
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "renamed.jsonl"
        shutil.copy(file, copy)
        again, text = _command(desk, copy)
    return [
        *checks,
        Check(f"{file.name}: a renamed copy", (again == 0) == bool(items) and "REQUEST_ID" not in text, text),
    ]


def _command(desk: Desk, file: Path) -> tuple[int, str]:
    environment = {**os.environ, "ANTIPHON_ADDRESS": desk.address, "ANTIPHON_API_KEY": desk.key}
    done = CliRunner().invoke(app, ["feedback", "import", str(file)], env=environment)
    return done.exit_code, f"{done.output[-300:]} {done.exception or ''}"


def _is_item(line: str) -> bool:
    try:
        item = json.loads(line)
    except ValueError:
        return False
    return isinstance(item, dict) and bool(item.get("feedback")) and bool(item.get("prompt") or item.get("turnId"))
