from __future__ import annotations

from pathlib import Path

import pytest

from tintype.config import ConfigError
from tintype.entry.folder import FolderLock, make


def test_a_second_server_on_the_same_folder_is_refused_until_the_first_lets_go(
    tmp_path: Path,
) -> None:
    first, second = FolderLock(tmp_path), FolderLock(tmp_path)
    first.take()

    with pytest.raises(ConfigError, match="another Tintype is serving"):
        second.take()
    first.release()

    second.take()
    second.release()


def test_a_folder_that_can_not_be_made_is_named_with_its_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(ConfigError, match="TINTYPE_DATA"):
        make(tmp_path / "file" / "data")
