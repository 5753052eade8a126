from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tintype.config import ConfigError, load
from tintype.entry.settings import Settings


def _load(folder: Path, text: str = "", environ: Mapping[str, str] | None = None) -> Settings:
    file = folder / "tintype.toml"
    file.write_text(text)
    return load(Settings, environ=environ or {}, file=file)


def _refusal(folder: Path, text: str = "", environ: Mapping[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as refused:
        _load(folder, text, environ)
    return str(refused.value)


def test_an_empty_configuration_runs_with_the_defaults(tmp_path: Path) -> None:
    settings = _load(tmp_path)

    assert settings == Settings()
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)


def test_no_file_at_all_is_fine_unless_one_was_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert load(Settings, environ={}) == Settings()
    with pytest.raises(ConfigError, match="no such file"):
        load(Settings, environ={}, file=tmp_path / "absent.toml")


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    text = 'bind = "127.0.0.1:1"\n[rate_limits]\nfactor = 2.0\nread_per_minute = 7\n'

    settings = _load(tmp_path, text, {"TINTYPE_RATE_LIMITS__FACTOR": "50"})

    assert settings.bind == "127.0.0.1:1"
    assert (settings.rate_limits.factor, settings.rate_limits.read_per_minute) == (50.0, 7)


def test_variables_that_are_not_ours_are_left_alone(tmp_path: Path) -> None:
    assert _load(tmp_path, environ={"PATH": "/bin", "OTHER_BIND": "x"}) == Settings()


def test_the_file_can_be_named_by_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "elsewhere.toml"
    file.write_text('bind = "127.0.0.1:9"')

    settings = load(Settings, environ={"TINTYPE_CONFIG": str(file)})

    assert settings.port == 9


def test_a_misspelt_key_is_refused_with_the_one_that_was_meant(tmp_path: Path) -> None:
    assert "Did you mean bind?" in _refusal(tmp_path, 'bnd = "x:1"')
    assert "Did you mean factor?" in _refusal(tmp_path, "[rate_limits]\nfacter = 1\n")
    in_environment = _refusal(tmp_path, environ={"TINTYPE_ACCOUNTS__REGISTRATIN": "open"})
    assert "TINTYPE_ACCOUNTS__REGISTRATIN" in in_environment
    assert "Did you mean registration?" in in_environment


def test_a_key_that_resembles_nothing_is_to_be_removed(tmp_path: Path) -> None:
    assert "Remove it" in _refusal(tmp_path, "zzzz = 1")


def test_every_wrong_value_is_named_with_its_variable(tmp_path: Path) -> None:
    text = '[rate_limits]\nfactor = "much"\n[accounts]\nregistration = "maybe"\n'

    refusal = _refusal(tmp_path, text)

    assert "rate_limits.factor (TINTYPE_RATE_LIMITS__FACTOR)" in refusal
    assert "accounts.registration (TINTYPE_ACCOUNTS__REGISTRATION)" in refusal


def test_a_section_that_is_given_as_a_value_is_refused(tmp_path: Path) -> None:
    environ = {"TINTYPE_BIND__PORT": "8000"}

    assert "single value" in _refusal(tmp_path, 'bind = "127.0.0.1:1"', environ)


def test_a_damaged_file_says_where_the_keys_are_listed(tmp_path: Path) -> None:
    assert "docs/reference/settings.md" in _refusal(tmp_path, "bind = ")


@pytest.mark.parametrize("bind", ["8000", "localhost", "localhost:", ":8000", "localhost:http"])
def test_an_address_without_host_or_port_is_refused(tmp_path: Path, bind: str) -> None:
    assert "address:port" in _refusal(tmp_path, f'bind = "{bind}"')


def test_passwords_in_the_clear_are_refused_with_two_ways_out(tmp_path: Path) -> None:
    text = 'public_url = "http://photos.example"'

    refusal = _refusal(tmp_path, text)

    assert "https://" in refusal
    assert "allow_insecure" in refusal
    assert _load(tmp_path, text + "\nallow_insecure = true").public_url == "http://photos.example"
    assert _load(tmp_path, 'public_url = "http://localhost:8000"').public_url is not None


@pytest.mark.parametrize("url", ["photos.example", "ftp://photos.example", "https://a.example/x"])
def test_a_public_address_is_scheme_and_host_only(tmp_path: Path, url: str) -> None:
    assert "scheme and host only" in _refusal(tmp_path, f'public_url = "{url}"')
