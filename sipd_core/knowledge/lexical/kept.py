"""The index on disk: a cache that spares a start the reading of every row. It holds nothing that SQL does not hold.

Written beside its place and moved there whole, so a killed process leaves the earlier file. A file that is damaged, or was
written when texts were read otherwise, is not used; rows that changed since are told by their digests. Only masked text
comes here: its words, in no order.
"""

import hashlib
import logging
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sipd_core import language
from sipd_core.knowledge.lexical import entries, postings
from sipd_core.knowledge.lexical.postings import Postings, Vocabulary
from sipd_core.knowledge.lexical.segments import Lexicon, Part, Segments

log = logging.getLogger(__name__)

Arrays = dict[str, NDArray[Any]]

_TABLES = ("terms", "words", "spelling")
_COLUMNS = ("codes", "starts", "owners", "counts")


def write(path: Path, rows: Segments) -> None:
    """Keep `rows`; what cannot be written is logged and no harm: the next start takes longer."""
    if not rows.keys:
        path.unlink(missing_ok=True)
        return
    beside = path.with_suffix(".part")  # always the same: what a killed process left is overwritten, not piled up
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as file:
            np.savez(file, allow_pickle=False, **_arrays(rows.whole()))
        beside.replace(path)
    except OSError as error:
        log.warning("the words of the rows cannot be kept in %s: %s", path.name, error)


def read(path: Path) -> Segments:
    """The rows that were kept; none when there is no file or it cannot be used."""
    try:
        with np.load(path, allow_pickle=False) as file:
            if file["fingerprint"].tobytes() == _fingerprint():
                return _segments({name: file[name] for name in file.files})
        log.info("%s was written by another release; the rows are read anew", path.name)
    except FileNotFoundError:
        log.debug("no %s yet", path.name)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        log.warning("%s is damaged and not used: %s", path.name, error)
    return Segments(Lexicon())


def _arrays(rows: Segments) -> Arrays:
    lexicon, part = rows.lexicon, rows.parts[0]
    tables = zip(_TABLES, (part.terms, part.words, rows.spelling[0]), strict=True)
    columns = {f"{name}.{column}": getattr(table, column) for name, table in tables for column in _COLUMNS}
    texts = {"terms": lexicon.terms, "words": lexicon.words, "grams": lexicon.grams}
    return {
        "fingerprint": np.frombuffer(_fingerprint(), np.uint8),
        "keys": _joined(part.keys),
        "digests": part.digests,
        "lengths": part.lengths,
        **{f"text.{name}": _joined(vocabulary.terms()) for name, vocabulary in texts.items()},
        **columns,
    }


def _segments(arrays: Arrays) -> Segments:
    keys = _split(arrays["keys"])
    lexicon = Lexicon(*(Vocabulary(_split(arrays[f"text.{name}"])) for name in ("terms", "words", "grams")))
    sizes = {"terms": len(keys), "words": len(keys), "spelling": len(lexicon.words)}
    terms, words, spelling = (
        Postings(sizes[name], *(arrays[f"{name}.{column}"] for column in _COLUMNS)) for name in _TABLES
    )
    alive = np.ones(len(keys), np.bool_)
    part = Part(tuple(keys), arrays["digests"], arrays["lengths"], terms, words, alive)
    return Segments(lexicon, [part], [spelling])


def _joined(texts: Iterable[str]) -> NDArray[np.uint8]:
    return np.frombuffer("\n".join(texts).encode(), np.uint8)


def _split(joined: NDArray[np.uint8]) -> list[str]:
    text = joined.tobytes().decode()
    return text.split("\n") if text else []


def _fingerprint() -> bytes:
    """Of everything on which the arrays depend besides the rows."""
    digest = hashlib.sha256(language.fingerprint().encode())
    for module in (entries, postings):
        digest.update(Path(str(module.__file__)).read_bytes())
    return digest.digest()
