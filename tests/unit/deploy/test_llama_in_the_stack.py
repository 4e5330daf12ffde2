"""A stack whose engine is llama.cpp has its server, and a generator that asks it."""

from pathlib import Path

import pytest

from deploy.local.home import Home
from deploy.local.llama_server import bundled_model
from deploy.local.program import ProgramError
from deploy.local.stack import Options, table
from deploy.local.supervisor import Entry


def entries(root: Path, **settings: str) -> dict[str, Entry]:
    home = Home(root)
    home.prepare()
    rows, _ = table(home, Options(settings={f"ANTIPHON_{name}": value for name, value in settings.items()}))
    return {entry.name: entry for entry in rows}


def test_its_generator_asks_the_server_with_a_key_that_only_files_hold(tmp_path: Path) -> None:
    rows = entries(tmp_path, ENGINE="llama.cpp", MAX_BATCH_SIZE="3", CONTEXT_LIMIT="512")
    argv, env = rows["llama"].program.argv, rows["generator"].program.env
    assert env is not None
    assert str(bundled_model()) in argv
    assert argv[argv.index("--slots") + 1] == env["ANTIPHON_MAX_BATCH_SIZE"] == "3"
    assert argv[argv.index("--context") + 1] == "512"
    assert env["ANTIPHON_ENGINE"] == "upstream"
    assert env["ANTIPHON_UPSTREAM_URLS"] == f"http://127.0.0.1:{argv[argv.index('--port') + 1]}"
    key_file = Path(env["ANTIPHON_UPSTREAM_KEY_FILE"])
    assert key_file.stat().st_mode & 0o777 == 0o600
    key = key_file.read_text().strip()
    assert len(key) >= 32
    assert not any(key in word for word in (*argv, *env.values()))


def test_other_engines_have_none_and_what_is_no_number_is_told(tmp_path: Path) -> None:
    assert "llama" not in entries(tmp_path, ENGINE="echo")
    assert "llama" not in entries(tmp_path)
    with pytest.raises(ProgramError, match="ANTIPHON_CONTEXT_LIMIT must be a whole number, not 'many'"):
        entries(tmp_path, ENGINE="llama.cpp", CONTEXT_LIMIT="many")
