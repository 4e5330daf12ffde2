"""A setting that was renamed is still read by its old name, with a warning that says the new one."""

from __future__ import annotations

import warnings

import pytest

from services.generator.settings import GeneratorSettings


@pytest.mark.parametrize(
    ("old", "new", "value"),
    [("ROWS", "max_batch_size", 7), ("MEMORY_MB", "kv_cache_mb", 0), ("ROWS", "max_batch_size", 1)],
)
def test_an_old_variable_is_read_with_a_warning(
    monkeypatch: pytest.MonkeyPatch, old: str, new: str, value: int
) -> None:
    monkeypatch.setenv(f"ANTIPHON_{old}", str(value))
    with pytest.warns(FutureWarning, match=f"ANTIPHON_{old} is called ANTIPHON_{new.upper()} now"):
        assert getattr(GeneratorSettings(), new) == value


def test_the_new_name_wins_and_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTIPHON_ROWS", "7")
    monkeypatch.setenv("ANTIPHON_MAX_BATCH_SIZE", "9")
    with pytest.warns(FutureWarning):
        assert GeneratorSettings().max_batch_size == 9
    monkeypatch.delenv("ANTIPHON_ROWS")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert GeneratorSettings().max_batch_size == 9


def test_an_old_variable_is_checked_as_the_new_one_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTIPHON_ROWS", "0")
    with pytest.warns(FutureWarning), pytest.raises(ValueError, match="max_batch_size"):
        GeneratorSettings()
