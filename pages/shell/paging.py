"""A list a page at a time: which page a person is on, and the way to the others."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import streamlit as st


class Counted(Protocol):
    """Some rows of a list, and how many it has in all."""

    @property
    def total(self) -> int: ...


Found = TypeVar("Found", bound=Counted)


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of one list; the one a person is on is kept in the session under `key`."""

    key: str
    size: int
    """Rows on a page."""

    def number(self) -> int:
        """The page a person is on, from 1."""
        return int(st.session_state.get(self.key, 1))

    def begin_anew(self) -> None:
        """Back to the first page, as when a filter changes."""
        st.session_state[self.key] = 1

    def count(self, total: int) -> int:
        """How many pages so many rows need."""
        return -(-total // self.size)

    def offset(self, total: int) -> int:
        """How many of `total` rows (more than 0) come before the page asked for, or before the last one."""
        return (min(self.number(), self.count(total)) - 1) * self.size

    def read(self, rows: Callable[[int, int], Found]) -> Found:
        """The page asked for by `rows(offset, limit)`; the first one when rows have gone since and it is no more."""
        offset = (self.number() - 1) * self.size
        found = rows(offset, self.size)
        if offset < found.total or not found.total:
            return found
        self.begin_anew()
        return rows(0, self.size)

    def draw(self, total: int) -> None:
        """The way to the other pages, when there are any."""
        if (pages := self.count(total)) > 1:
            st.pagination(pages, key=self.key)
