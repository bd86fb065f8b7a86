"""How the columns of a draft are read, drawn so that an admin can put it right."""

from collections.abc import Mapping

import streamlit as st

from pages.shell.frame import draw_problem, errors_kept
from pages.shell.plain import masked_markdown, plain
from pages.shell.resources import acting_name
from sipd_core.blocking import BlockingEngine
from sipd_core.knowledge.previews import ColumnView, Draft, DraftState, SheetView
from sipd_core.locale_id import number
from sipd_core.tables import OF_AN_EXPORT, Choice, Column
from sipd_core.texts import text

NOT_READ = -1
_REQUIRED = frozenset({Column.ISSUE})


def draw_mapping(engine: BlockingEngine, draft: Draft) -> None:
    """The sheets of a file, and for one of them the column of each field with some of its cells."""
    if not draft.sheets:
        return
    if len(draft.sheets) > 1:
        _draw_sheets(draft)
    view = _chosen_sheet(draft)
    _draw_notice(engine, draft, view)
    read, row = _draw_sheet_choice(draft, view)
    columns: dict[Column, int] = {}
    agreed = True
    if read and row == view.header_row:
        columns = _draw_fields(draft, view)
        agreed = _agreed(draft, view, columns)
    elif read:
        st.caption(text("imports.map.row_first"))
    _draw_apply(engine, draft, view, _choice(view, read, row, columns), ready=agreed)
    _draw_all_columns(view, opened=draft.state is DraftState.UNCLEAR)


def _draw_sheets(draft: Draft) -> None:
    names = {name: text(f"imports.map.sheets.{name}") for name in ("sheet", "header_row", "fields", "note")}
    st.dataframe([_sheet_line(view, names) for view in draft.sheets], hide_index=True, width="stretch")


def _sheet_line(view: SheetView, names: Mapping[str, str]) -> dict[str, str]:
    note = view.problem or (text("imports.map.remembered_mark") if view.remembered else "")
    return {
        names["sheet"]: view.sheet or "",
        names["header_row"]: number(view.header_row) if view.header_row else "",
        names["fields"]: ", ".join(column.value for column in Column if column in view.read_as),
        names["note"]: note,
    }


def _chosen_sheet(draft: Draft) -> SheetView:
    views = list(draft.sheets)
    if len(views) == 1:
        return views[0]
    chosen = st.selectbox(
        text("imports.map.sheet"),
        range(len(views)),
        format_func=lambda at: views[at].sheet or "",
        key=f"imports.sheet.{draft.id}",
    )
    return views[chosen]


def _draw_notice(engine: BlockingEngine, draft: Draft, view: SheetView) -> None:
    if view.problem and draft.state is DraftState.READY:
        st.info(plain(view.problem), icon=":material/info:")
    if not (view.remembered or view.chosen):
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f":blue[:material/history:] {text('imports.map.remembered')}", width="content")
        st.button(
            text("imports.map.forget"),
            icon=":material/undo:",
            type="tertiary",
            key=f"imports.forget.{draft.id}.{view.index}",
            on_click=_forget,
            args=(engine, draft.id, view.index),
        )


def _forget(engine: BlockingEngine, draft_id: str, sheet: int) -> None:
    with errors_kept(f"draft.{draft_id}"):
        engine.uploads.forget(draft_id, sheet)


def _draw_sheet_choice(draft: Draft, view: SheetView) -> tuple[bool, int]:
    """Whether the sheet is to be read, and in which row its header stands."""
    key = _key(draft, view)
    left, right = st.columns(2, vertical_alignment="bottom")
    row = left.number_input(
        text("imports.map.header_row"),
        min_value=0,
        max_value=max(view.last_row, 1),
        value=view.header_row,
        help=text("imports.map.header_row_help"),
        key=f"imports.row.{key}",
    )
    read = True
    if view.sheet is not None:
        read = right.toggle(text("imports.map.read"), value=not view.skipped, key=f"imports.read.{key}")
    return bool(read), int(row)


def _draw_fields(draft: Draft, view: SheetView) -> dict[Column, int]:
    """A choice of column for each field, with cells of the chosen one beneath."""
    st.caption(text("imports.map.hint"))
    chosen: dict[Column, int] = {}
    by_place = {column.place: column for column in view.columns}
    with st.grid(columns=2, min_column_width=280, gap="small"):
        for field in _offered(view):
            with st.container(gap="xxsmall"):
                place = _field_choice(draft, view, field)
                st.caption(_samples(by_place[place]) if place in by_place else text("imports.map.no_column"))
            if place != NOT_READ:
                chosen[field] = place
    return chosen


def _offered(view: SheetView) -> list[Column]:
    """Every field, those that only our own export writes where the file has them."""
    return [field for field in Column if field not in OF_AN_EXPORT or field in view.read_as]


def _start(view: SheetView) -> Mapping[Column, int]:
    """How the sheet is read, or what its headers suggest where it is not read yet."""
    return view.read_as or view.guessed


def _field_choice(draft: Draft, view: SheetView, field: Column) -> int:
    options = [NOT_READ, *(column.place for column in view.columns)]
    named = {column.place: _column_name(column) for column in view.columns}
    now = _start(view).get(field, NOT_READ)
    required = text("imports.map.required") if field in _REQUIRED else ""
    chosen: int = st.selectbox(
        f"{text(f'imports.field.{field.name.lower()}')}{required}",
        options,
        index=options.index(now) if now in options else 0,
        format_func=lambda place: named.get(place, text("imports.map.not_read")),
        key=f"imports.field.{_key(draft, view)}.{field.name}",
    )
    return chosen


def _column_name(column: ColumnView) -> str:
    """`M · ISSUE`; a lock before what should not be read."""
    header = column.header or text("imports.map.no_header")
    key = "column_private" if column.private else "column"
    return text(f"imports.map.{key}", letter=column.letter, header=header)


def _samples(column: ColumnView) -> str:
    if column.private:
        return f":orange[:material/lock:] {text(f'imports.private.{column.private}')}"
    if not column.samples:
        return text("imports.map.empty_column")
    return " · ".join(masked_markdown(sample) for sample in column.samples)


def _agreed(draft: Draft, view: SheetView, columns: Mapping[Column, int]) -> bool:
    """Whether private columns are left alone, or the person says that they hold nothing private."""
    places = set(columns.values())
    private = [column for column in view.columns if column.private and column.place in places]
    if not private:
        return True
    headers = ", ".join(column.header or column.letter for column in private)
    st.warning(plain(text("imports.map.private", headers=headers)), icon=":material/lock:")
    return st.checkbox(text("imports.map.private_sure"), key=f"imports.sure.{_key(draft, view)}")


def _choice(view: SheetView, read: bool, row: int, columns: Mapping[Column, int]) -> Choice | None:
    """What the person changed; None for nothing."""
    skip = None if read is not view.skipped else not read
    header_row = None if row == view.header_row else row
    changed = dict(columns) if read and header_row is None and columns != dict(_start(view)) else None
    if skip is None and header_row is None and changed is None:
        return None
    return Choice(skip, header_row, changed)


def _draw_apply(engine: BlockingEngine, draft: Draft, view: SheetView, choice: Choice | None, *, ready: bool) -> None:
    complete = choice is None or choice.columns is None or Column.ISSUE in choice.columns
    if choice is not None and not complete:
        st.warning(text("imports.map.issue_needed"), icon=":material/priority_high:")
    if choice is not None and draft.state is DraftState.READY:
        st.caption(f":orange[:material/pending:] {text('imports.map.pending')}")
    possible = choice is not None and complete and ready and draft.state in (DraftState.READY, DraftState.UNCLEAR)
    st.button(
        text("imports.map.apply"),
        icon=":material/check:",
        disabled=not possible,
        help=text("imports.map.apply_help"),
        key=f"imports.apply.{draft.id}.{view.index}",
        on_click=_apply,
        args=(engine, draft.id, view.index, choice),
    )
    draw_problem(f"draft.{draft.id}")


def _apply(engine: BlockingEngine, draft_id: str, sheet: int, choice: Choice) -> None:
    with errors_kept(f"draft.{draft_id}"):
        engine.uploads.correct(draft_id, sheet, choice, acting_name(), private=True)


def _draw_all_columns(view: SheetView, *, opened: bool) -> None:
    """Every column of the sheet, those that are not read among them."""
    names = {name: text(f"imports.map.columns.{name}") for name in ("letter", "header", "read_as", "samples")}
    read_as = {place: column.value for column, place in view.read_as.items()}
    with st.expander(text("imports.map.all_columns", n=number(len(view.columns))), expanded=opened, type="compact"):
        lines = [
            {
                names["letter"]: column.letter,
                names["header"]: column.header,
                names["read_as"]: read_as.get(column.place) or _unread(column),
                names["samples"]: " · ".join(column.samples),
            }
            for column in view.columns
        ]
        st.dataframe(lines, hide_index=True, width="stretch")


def _unread(column: ColumnView) -> str:
    return text(f"imports.private.{column.private}") if column.private else text("imports.map.not_read")


def _key(draft: Draft, view: SheetView) -> str:
    """Changes whenever the file was read in another way, so that widgets start from what is read now."""
    places = "-".join(f"{column.name}{place}" for column, place in sorted(view.read_as.items()))
    return f"{draft.id}.{view.index}.{view.header_row}.{view.skipped}.{places}"
