"""A model's chat format is read off its template once; what reads it stays out of the generator's process."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import pytest

from services.models import chat
from services.models.chat import chat_format, kept_chat_format

TEMPLATE = (
    "{% for m in messages %}[{{ m['role'] }}]{{ m['content'] }}[end]{% endfor %}"
    "{% if add_generation_prompt %}[assistant]{% endif %}"
)
STARTS = """
import json, sys
from pathlib import Path
from services.generator.settings import GeneratorSettings
from services.generator.turns.loading import load_model

settings = GeneratorSettings(model=sys.argv[1], cache_dir=Path(sys.argv[2]), kernel="fp32", corrections="off")
loaded = load_model(settings, "worker")
print(json.dumps(["transformers" in sys.modules, loaded.chat.reply_open]))
"""


@pytest.fixture
def folder(tiny_model: Path, tmp_path: Path) -> Path:
    """The tiny model with a chat template, which it may change."""
    copy = tmp_path / "model"
    copy.mkdir()
    for file in tiny_model.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    _write(copy, TEMPLATE)
    return copy


def _write(folder: Path, template: str) -> None:
    tokenizer = {"tokenizer_class": "PreTrainedTokenizerFast", "chat_template": template}
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer))


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The folders that a process was started for, which here reads them in this one."""
    read: list[str] = []

    def run(command: list[str], **_: object) -> SimpleNamespace:
        read.append(command[-1])
        written = json.dumps(asdict(chat_format(Path(command[-1]))))
        return SimpleNamespace(stdout=f"a library says something\n{written}\n")

    monkeypatch.setattr(chat.subprocess, "run", run)
    return read


def test_a_format_is_read_once_and_another_template_anew(folder: Path, tmp_path: Path, readings: list[str]) -> None:
    found = kept_chat_format(folder, tmp_path / "cache")
    assert found == chat_format(folder) == kept_chat_format(folder, tmp_path / "cache")
    assert (found.reply_open, len(readings)) == ("[end][assistant]", 1)
    _write(folder, TEMPLATE.replace("[end]", "[over]"))
    assert kept_chat_format(folder, tmp_path / "cache").reply_open == "[over][assistant]"
    assert len(readings) == 2


@pytest.mark.parametrize("broken", ["", "{", "{}", "[]", '{"markers": 3}'])
def test_a_broken_file_in_the_cache_is_written_again(
    folder: Path, tmp_path: Path, broken: str, readings: list[str]
) -> None:
    found = kept_chat_format(folder, tmp_path / "cache")
    (kept,) = (tmp_path / "cache" / "chats").iterdir()
    kept.write_text(broken)
    assert kept_chat_format(folder, tmp_path / "cache") == found
    assert json.loads(kept.read_text())["reply_open"] == found.reply_open
    assert len(readings) == 2


def test_a_folder_without_a_tokenizer_is_told_as_ever(folder: Path, tmp_path: Path) -> None:
    (folder / "tokenizer.json").write_text("{")
    with pytest.raises(Exception) as straight:  # noqa: PT011  (whatever it is, it is the same)
        chat_format(folder)
    with pytest.raises(type(straight.value)):
        kept_chat_format(folder, tmp_path / "cache")
    assert not (tmp_path / "cache" / "chats").exists()


def test_a_generator_serves_without_what_renders_templates(folder: Path, cache_dir: Path) -> None:
    command = [sys.executable, "-c", STARTS, str(folder), str(cache_dir)]
    process = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(process.stdout.splitlines()[-1]) == [False, "[end][assistant]"]
