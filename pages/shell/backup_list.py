"""Backups drawn: how things stand, the list, and one of them in full with what can be done with it."""

from datetime import UTC, datetime

import streamlit as st

from pages.shell import backup_state, backup_work
from pages.shell.cards import badge
from pages.shell.downloads import download_button
from pages.shell.frame import errors_shown
from pages.shell.plain import plain, plain_line
from pages.shell.work_list import chosen_row
from sipd_core.backup.room import BackupOverview
from sipd_core.backup.shelf import Entry
from sipd_core.backup.trial import TrialReport, report_from_json
from sipd_core.backup.words import left_behind
from sipd_core.blocking import BlockingEngine
from sipd_core.locale_id import JAKARTA, UNKNOWN, ago, duration, megabytes, moment, number, short_day
from sipd_core.store.backups import BackupStatus
from sipd_core.texts import text

DOWNLOADED = 200 * 2**20
"""Largest archive, in bytes, that the page hands out: the server holds it in memory meanwhile."""
DIFFERENCES_SHOWN = 20
_COUNTED = ("cases", "changes", "conversations", "exchanges", "embeddings", "usage")


def draw_summary(overview: BackupOverview) -> None:
    """The last good backup, the next one, and a warning when there is none."""
    last, now = overview.last_good, datetime.now(UTC)
    if last is None:
        st.warning(text("backup.summary.never"), icon=":material/warning:")
    tested = max((entry.record.tested_at for entry in overview.entries if entry.record.tested_at), default=None)
    due = _soon(overview.next_due) if overview.next_due else text("backup.summary.off")
    with st.grid(columns=3, min_column_width=150, gap="xsmall"):
        st.metric(text("backup.summary.last"), ago(last.record.at, now) if last else UNKNOWN, border=True)
        st.metric(text("backup.summary.tested"), ago(tested, now), border=True)
        st.metric(text("backup.summary.next"), due, border=True)


def draw_entries(engine: BlockingEngine, overview: BackupOverview, *, busy: bool) -> None:
    """The list, and beneath it the chosen one; nothing where nothing was made yet."""
    st.subheader(text("backup.list.heading"), anchor=False)
    if not overview.entries:
        st.caption(text("backup.list.empty"))
        return
    names = {name: text(f"backup.list.{name}") for name in ("at", "kind", "cases", "size", "state", "test")}
    key = f"backup.table.{hash(tuple(entry.record.id for entry in overview.entries))}"
    if chosen := chosen_row(overview.entries, [_line(entry, names) for entry in overview.entries], key):
        backup_state.choose(chosen.record.id)
    shown = next((entry for entry in overview.entries if entry.record.id == backup_state.chosen()), overview.entries[0])
    _draw_entry(engine, shown, busy=busy)


def draw_rules(overview: BackupOverview) -> None:
    """Where the files lie, what is kept, and the same on the command line."""
    with st.expander(text("backup.rules.heading"), icon=":material/info:"):
        st.write(plain(text("backup.rules.body", folder=overview.folder, keep=number(overview.keep))))
        st.code(
            "python -m sipd_core backup cadangan.zip\npython -m sipd_core restore cadangan.zip --test", language="sh"
        )


def _soon(due: datetime) -> str:
    """A moment of today or tomorrow: without year and seconds it fits a telephone."""
    local = due.astimezone(JAKARTA)
    return f"{short_day(local.date())} {local:%H.%M}"


def _line(entry: Entry, names: dict[str, str]) -> dict[str, str]:
    record = entry.record
    return {
        names["at"]: moment(record.at),
        names["kind"]: text(f"backup.kind_short.{record.kind}"),
        names["cases"]: number(dict(record.counts).get("cases")),
        names["size"]: megabytes(record.bytes),
        names["state"]: text(f"backup.state.{_state(entry)}"),
        names["test"]: text(f"backup.tested.{_tested(entry)}"),
    }


def _state(entry: Entry) -> str:
    if entry.record.status is BackupStatus.DONE and entry.path is None:
        return "missing"
    return str(entry.record.status)


def _tested(entry: Entry) -> str:
    if entry.record.test is None:
        return "never"
    report = report_from_json(entry.record.test)
    return "differs" if not report.passed else "partly" if report.left.texts else "passed"


_STATE_LOOKS = {
    "done": ("green", "check_circle"),
    "running": ("blue", "hourglass_top"),
    "failed": ("red", "error"),
    "missing": ("orange", "folder_off"),
}
_TEST_LOOKS = {
    "never": ("gray", "help"),
    "passed": ("green", "verified"),
    "differs": ("orange", "difference"),
    "partly": ("orange", "key_off"),
}


def _draw_entry(engine: BlockingEngine, entry: Entry, *, busy: bool) -> None:
    record, state, tested = entry.record, _state(entry), _tested(entry)
    with st.container(border=True):
        looks, test_looks = _STATE_LOOKS[state], _TEST_LOOKS[tested]
        badges = [
            badge("gray", text(f"backup.kind.{record.kind}")),
            badge(looks[0], text(f"backup.state.{state}"), looks[1]),
        ]
        if state == "done":
            badges.append(badge(test_looks[0], text(f"backup.tested.{tested}"), test_looks[1]))
        st.markdown(f"**{moment(record.at)}** {' '.join(badges)}")
        st.caption(plain("\n".join(_facts(entry))))
        if entry.path is not None:
            _draw_keys(engine, record.id)
        if record.problem:
            st.error(plain(record.problem), icon=":material/error:")
        if record.test is not None and tested == "differs":
            _draw_differences(report_from_json(record.test))
        _draw_actions(engine, entry, busy=busy)


def _draw_keys(engine: BlockingEngine, id_: str) -> None:
    """Who can read the texts, and that somebody cannot."""
    with errors_shown():
        keys = engine.backups.keys_of(id_)
        if keys.missing:
            st.warning(plain_line(text("backup.keys.missing", ids=", ".join(keys.missing))), icon=":material/key_off:")
        elif keys.brought:
            st.caption(f":material/key: {text('backup.keys.brought')}")


def _facts(entry: Entry) -> list[str]:
    record = entry.record
    counts = dict(record.counts)
    facts = [text("backup.facts.made", file=record.file, actor=record.actor or UNKNOWN)]
    if counts:
        held = [text(f"backup.facts.{name}", n=number(counts[name])) for name in _COUNTED if name in counts]
        facts.append(text("backup.facts.holds", items=", ".join(held), size=megabytes(record.bytes)))
    if record.seconds is not None:
        facts.append(text("backup.facts.took", time=duration(record.seconds * 1_000)))
    if record.tested_at is not None and record.test is not None:
        report = report_from_json(record.test)
        values = {"rows": number(report.rows), "questions": number(report.questions)}
        key = "backup.facts.tested" if report.questions else "backup.facts.tested_rows"
        facts.append(text(key, at=moment(record.tested_at), **values))
        if report.unasked:
            facts.append(text("backup.tested.unasked"))
        if said := left_behind(report.left):
            facts.append(said)
    if record.restored_at is not None:
        facts.append(text("backup.facts.restored", at=moment(record.restored_at), actor=record.restored_by))
    return facts


def _draw_differences(report: TrialReport) -> None:
    with st.expander(text("backup.differences.heading"), icon=":material/difference:"):
        for table in report.table_differences:
            values = {"expected": number(table.expected), "found": number(table.found)}
            st.markdown(f"- {plain_line(text('backup.differences.table', table=table.table, **values))}")
        for one in report.differences[:DIFFERENCES_SHOWN]:
            st.markdown(f"- {plain_line(one.question)}")
        if (rest := len(report.differences) - DIFFERENCES_SHOWN) > 0:
            st.caption(text("backup.differences.more", n=number(rest)))


def _draw_actions(engine: BlockingEngine, entry: Entry, *, busy: bool) -> None:
    record, path = entry.record, entry.path
    with st.container(horizontal=True):
        if path is not None and (record.bytes or 0) <= DOWNLOADED:
            download_button(
                text("backup.actions.download"),
                path.read_bytes,
                file_name=path.name,
                mime="application/zip",
                icon=":material/download:",
                key=f"backup.download.{record.id}",
                on_click="ignore",
            )
        if path is not None:
            _draw_use(engine, entry, busy=busy)
        label = text("backup.actions.remove" if path is not None else "backup.actions.forget")
        if st.button(label, icon=":material/delete:", type="tertiary", disabled=busy, key=f"backup.remove.{record.id}"):
            backup_work.ask_to_remove(engine, record)
    if path is not None and (record.bytes or 0) > DOWNLOADED:
        st.caption(plain(text("backup.actions.too_large", path=path)))


def _draw_use(engine: BlockingEngine, entry: Entry, *, busy: bool) -> None:
    record = entry.record
    test = text("backup.actions.test")
    if st.button(test, icon=":material/fact_check:", disabled=busy, key=f"backup.test.{record.id}"):
        with errors_shown():
            engine.backups.start_testing(record.id)
            st.rerun()
    restore = text("backup.actions.restore")
    if st.button(restore, icon=":material/settings_backup_restore:", disabled=busy, key=f"backup.restore.{record.id}"):
        backup_work.ask_to_restore(engine, record)
