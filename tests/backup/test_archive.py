"""An archive is believed only as far as it holds what its manifest says; nothing of it is ever a path."""

import random
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest

from sipd_core.backup import archive
from sipd_core.backup.archive import MANIFEST, ArchiveReader
from sipd_core.backup.snapshot import UNFINISHED, check
from sipd_core.errors import BackupError, StoreFullError
from sipd_core.store.database import Database
from tests.backup.filling import ORIGIN, archived, fill, rewritten


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    database = Database(f"sqlite:///{tmp_path / 'sipd.db'}")
    fill(database, 40)
    path = archived(database, tmp_path / "cadangan" / "a.zip").path
    database.close()
    return path


def refused(path: Path) -> str:
    with pytest.raises(BackupError) as caught:
        check(path, lambda _: None)
    return caught.value.user_text


def test_a_whole_archive_says_what_it_is(whole: Path) -> None:
    manifest = check(whole, lambda _: None)
    assert (manifest.format, manifest.kind, manifest.actor) == (2, "manual", "Bu Admin")
    assert manifest.made_at == ORIGIN.made_at
    assert manifest.rows["cases"] == 40
    assert "backups" not in manifest.rows


def test_the_same_rows_make_the_same_members(whole: Path, tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'sipd.db'}")
    again = archived(database, tmp_path / "b.zip")
    database.close()
    assert again.manifest.members == check(whole, lambda _: None).members


def test_no_byte_can_change_unnoticed(whole: Path, tmp_path: Path) -> None:
    """A changed byte is refused, or it stands where ZIP repeats itself and changes nothing of what is read."""
    raw, seed = whole.read_bytes(), 20261122
    chance, spoilt = random.Random(seed), tmp_path / "rusak.zip"
    wanted = check(whole, lambda _: None).members
    refusals = 0
    for _ in range(150):
        at = chance.randrange(len(raw))
        spoilt.write_bytes(raw[:at] + bytes([raw[at] ^ (1 << chance.randrange(8))]) + raw[at + 1 :])
        try:
            assert check(spoilt, lambda _: None).members == wanted
        except BackupError:
            refusals += 1
    assert refusals > 100, f"seed {seed}"


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_a_cut_archive_is_refused(whole: Path, tmp_path: Path, share: float) -> None:
    raw = whole.read_bytes()
    (tmp_path / "potong.zip").write_bytes(raw[: int(len(raw) * share)])
    assert "Tidak ada yang diubah" in refused(tmp_path / "potong.zip")


def test_what_is_no_archive_of_ours_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"MENU,ISSUE\n")
    assert "bukan cadangan" in refused(tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as other:
        other.writestr("word/document.xml", "x")
    assert "bukan cadangan" in refused(tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as other:
        other.writestr(MANIFEST, '{"product": "lain"}')
    assert "bukan cadangan" in refused(tmp_path / "c.zip")
    assert "tidak dapat dibuka" in refused(tmp_path / "tidak-ada.zip")


def test_an_archive_of_a_newer_console_is_told_so(whole: Path, tmp_path: Path) -> None:
    def newer(_members: dict[str, bytes], manifest: dict[str, Any]) -> None:
        manifest |= {"format": archive.FORMAT + 1, "something": "new"}

    assert "versi yang lebih baru" in refused(rewritten(whole, tmp_path / "baru.zip", newer))


@pytest.mark.parametrize("name", ["../../etc/cron.d/x", "/tmp/x", "tables/../x.jsonl", "tables\\x.jsonl", "x" * 300])
def test_names_that_are_paths_are_refused(whole: Path, tmp_path: Path, name: str) -> None:
    def add(members: dict[str, bytes], _manifest: dict[str, Any]) -> None:
        members[name] = b"x"

    refused(rewritten(whole, tmp_path / "jahat.zip", add))


def test_a_member_that_the_manifest_does_not_name_is_refused(whole: Path) -> None:
    with zipfile.ZipFile(whole, "a") as more:
        more.writestr("prices.csv", "x")
    refused(whole)


@pytest.mark.parametrize(
    "wrong",
    [
        {"members": []},
        {"members": {}},
        {"migrations": "m001"},
        {"base_version": -1},
        {"base_version": "3"},
        {"made_at": "kemarin"},
        {"made_at": 1e300},
        {"database": "oracle"},
        {"format": 0},
        {"format": None},
        {"extra": "x" * 20_000_000},
    ],
    ids=str,
)
def test_a_manifest_of_the_wrong_types_is_refused(whole: Path, tmp_path: Path, wrong: dict[str, Any]) -> None:
    target = tmp_path / "salah.zip"
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(target, "w") as new:
        import json

        for name in old.namelist():
            raw = old.read(name)
            new.writestr(name, json.dumps(json.loads(raw) | wrong) if name == MANIFEST else raw)
    refused(target)


def test_a_bomb_is_not_read_beyond_what_it_owns_up_to(whole: Path, tmp_path: Path) -> None:
    """Its directory tells another size than the manifest does."""
    target = tmp_path / "bom.zip"
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, b"[]\n" * 30_000_000 if name == "tables/cases.jsonl" else old.read(name))
    refused(target)


def test_a_directory_of_a_million_names_is_not_read(whole: Path, tmp_path: Path) -> None:
    raw = bytearray(whole.read_bytes())
    end = raw.rfind(b"PK\x05\x06")
    struct.pack_into("<L", raw, end + 12, archive.DIRECTORY_BYTES + 1)
    (tmp_path / "besar.zip").write_bytes(raw)
    refused(tmp_path / "besar.zip")


def test_a_line_without_end_is_refused_in_bounded_memory(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(members: dict[str, bytes], _manifest: dict[str, Any]) -> None:
        members["tables/cases.jsonl"] = b"[" * 5_000_000

    monkeypatch.setattr(archive, "LINE_BYTES", 2**20)
    with ArchiveReader(rewritten(whole, tmp_path / "panjang.zip", endless)) as reader, pytest.raises(BackupError):
        list(reader.lines("cases"))


def test_a_row_too_long_to_be_read_again_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = Database(f"sqlite:///{tmp_path / 'sipd.db'}")
    fill(database)
    monkeypatch.setattr(archive, "LINE_BYTES", 100)
    with pytest.raises(BackupError) as caught:
        archived(database, tmp_path / "a.zip")
    database.close()
    assert "terlalu besar" in caught.value.user_text
    assert not list(tmp_path.glob("*.zip"))


def test_rows_that_are_fewer_than_promised_never_come_out_whole(whole: Path, tmp_path: Path) -> None:
    def fewer(members: dict[str, bytes], manifest: dict[str, Any]) -> None:
        name = "tables/cases.jsonl"
        members[name] = members[name].split(b"\n", 1)[1]
        manifest["members"][name]["rows"] = 40

    with ArchiveReader(rewritten(whole, tmp_path / "kurang.zip", fewer)) as reader, pytest.raises(BackupError):
        list(reader.lines("cases"))


def test_a_folder_that_cannot_be_written_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'sipd.db'}")
    (tmp_path / "berkas").write_text("no folder")
    with pytest.raises(BackupError) as caught:
        archived(database, tmp_path / "berkas" / "a.zip")
    database.close()
    assert "BACKUP_DIR" in caught.value.user_text


def test_a_full_disk_leaves_no_half_archive(tmp_path: Path, small_disk: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'sipd.db'}")
    fill(database, 200)
    (small_disk / "penuh").write_bytes(b"x" * (small_disk_free(small_disk) - 8_192))
    with pytest.raises(StoreFullError) as caught:
        archived(database, small_disk / "a.zip")
    database.close()
    assert str(small_disk) in caught.value.user_text
    assert not list(small_disk.glob("*.zip"))
    assert not list(small_disk.glob(f"{UNFINISHED}*"))


def small_disk_free(folder: Path) -> int:
    import shutil

    return shutil.disk_usage(folder).free
