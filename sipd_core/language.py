"""The Indonesian of a help desk, made comparable: short forms, regional and English words, terms of SIPD, padding.

One reason to change: how people write. The tables are in `data/language/`; the file formats are in their first lines.
Everything here is deterministic, keeps no state and costs well below a millisecond for a chat message.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path

import Stemmer  # type: ignore[import-not-found]  # a compiled module without stubs

from sipd_core import signatures
from sipd_core.signatures import take_signatures

LANGUAGE_FOLDER = Path(__file__).resolve().parents[1] / "data" / "language"

CONCEPT_MARK = "#"
"""First character of a term that stands for a meaning instead of a word."""

_WORD = re.compile(r"s/d|u/(?=\s)|\w+(?:[.\-/']\w+)*")
_PART = re.compile(r"[^\W_]+")
_NUMBER = re.compile(r"[\d.,:/\-]*\d[\d.,:/\-]*")
_DOCUMENT_NUMBER = re.compile(r"\b\w*\d[\w.]*(?:/[\w.]+){3,}")
_EVERYDAY = frozenset(("bos", "pad", "nip", "nik", "npwp", "akun", "utang", "gaji", "honor", "hibah", "mitra", "otp", "pajak", "pemda"))
"""Names in the glossary that people also use of other things."""
_TAXES = frozenset(("pph", "ppn", "tpp"))
_CODE = re.compile(r"\b\d{3,}\b")
_SPACES = re.compile(r"\s+")
_STRETCHED = re.compile(r"([^\W\d_])\1{2,}")
_REPEATED = re.compile(r"[^\W\d_]{3,}2")
_REMEMBERED_WORDS = 50_000
_LONGEST_WORD = 60
_LONGEST_ABBREVIATION = 5


@dataclass(frozen=True, slots=True)
class LanguageTables:
    """The word tables, ready to look up."""

    replacements: Mapping[str, str]
    """Short form, regional or English word -> Indonesian."""
    concepts: Mapping[str, Mapping[tuple[str, ...], tuple[str, ...]]]
    """First stem of a phrase -> stems of the whole phrase -> the concepts it names."""
    full_names: Mapping[str, str]
    """Abbreviation of the field -> its full name."""
    stop_words: frozenset[str]
    field_names: frozenset[str]
    """Abbreviations that stand for nothing else."""
    vague: frozenset[str]
    """Stems that say that something fails, and not what."""
    padding: tuple[re.Pattern[str], ...]
    noise: tuple[re.Pattern[str], ...]


@dataclass(frozen=True, slots=True)
class Cleaning:
    """What was done to a question before it is compared."""

    clean: str
    """What `clean_query` gives."""
    dropped: tuple[str, ...]
    """Pieces taken out: document numbers, pasted error noise, greetings and politeness."""
    expanded: tuple[tuple[str, str], ...]
    """Words as written (short, regional, English) with what they were read as, each once."""
    named: tuple[tuple[str, str], ...]
    """Abbreviations of the field with their full names, which are embedded in their place."""
    meanings: tuple[str, ...]
    """Meanings of the glossary that are compared besides the words."""
    ignored: tuple[str, ...]
    """Words left in the question that carry no topic: they are embedded, but not compared as words."""


def expand(text: str) -> str:
    """`text` with short forms, regional and English words in plain Indonesian, everything else as it was."""
    return _WORD.sub(lambda match: _expanded(match.group()), _STRETCHED.sub(r"\1", text))


def clean_query(text: str) -> str:
    """The matter of a question in plain Indonesian: no greeting, politeness, pasted error noise or document number.

    This is the text to embed. Never empty unless `text` is: when nothing but padding was said, the padding stays.
    """
    return expand(_matter(text)[0])


def cleaning(text: str) -> Cleaning:
    """`clean_query`, with everything that was done."""
    matter, dropped = _matter(text)
    clean = expand(matter)
    kept = set(normalise(clean).split())
    parts = dict.fromkeys(_PART.findall(clean))
    names = _tables().full_names
    return Cleaning(
        clean,
        dropped,
        tuple((word, plain) for word in dict.fromkeys(_WORD.findall(matter)) if (plain := _expanded(word)) != word),
        tuple((part, names[part]) for part in parts if part in names),
        tuple(dict.fromkeys(meaning[len(CONCEPT_MARK) :] for meaning in concepts(stems(words(clean))))),
        tuple(part for part in parts if part not in kept),
    )


def words(text: str) -> list[str]:
    """Every word of `text` in order: lower case, short forms expanded, compounds split, numbers kept."""
    return [part for part in _PART.findall(expand(text.casefold())) if len(part) <= _LONGEST_WORD]


def normalise(text: str) -> str:
    """`text` for lexical use: the words that carry its matter; numbers only when it is mainly numbers."""
    written = _WORD.findall(expand(text.casefold()))
    plain = [word for word in written if not _NUMBER.fullmatch(word)]
    chosen = written if 2 * len(plain) < len(written) else plain
    parts = (part for word in chosen for part in _PART.findall(word))
    return " ".join(part for part in parts if part not in _tables().stop_words and len(part) <= _LONGEST_WORD)


def stems(found: Sequence[str]) -> list[str]:
    """The stem of every word, in order."""
    return [_stem(word) for word in found]


def concepts(found: Sequence[str]) -> list[str]:
    """The meanings named by a sequence of stems, longest phrase first, each as `#name`."""
    return list(_concepts_in(tuple(found)))


def question_text(text: str) -> str:
    """What of a question is embedded: its matter in plain Indonesian with abbreviations written out, as in the passages."""
    return with_full_names(clean_query(text))


def is_stop_word(word: str) -> bool:
    """Whether `word` carries no topic."""
    return word in _tables().stop_words


def names_nothing(text: str) -> bool:
    """Whether a message says at most that something fails, lasts or is solved ("eror min", "tetep gak bisa"), not what."""
    said = signatures.without_signature(text)
    if not said:
        return True
    clean = clean_query(said)
    told = (word for word in normalise(clean).split() if word.isalpha())
    return not _CODE.search(clean) and _tables().vague.issuperset(stems(list(told)))


def names_field(text: str) -> bool:
    """Whether a message names a document or body that only the field has ("SPP", "pph"): then it is of the field."""
    return not _tables().field_names.isdisjoint(words(text))


def with_full_names(text: str) -> str:
    """`text` with the abbreviations of the field written out, which is what an embedding understands."""
    names = _tables().full_names
    return _PART.sub(lambda match: names.get(match.group().casefold(), match.group()), text)


@cache
def listed_words() -> frozenset[str]:
    """Every word that stands in one of the tables, in the form in which it stands there."""
    files = (name for name in sorted(LANGUAGE_FOLDER.iterdir()) if name.suffix in (".tsv", ".txt"))
    return frozenset(word for file in files for line in _lines(file) for word in _PART.findall(line.casefold()))


def fingerprint() -> str:
    """Changes whenever a text may be read otherwise than before: with the tables, the rules above and the stemmer."""
    files = [Path(__file__), Path(signatures.__file__), *sorted(LANGUAGE_FOLDER.glob("*.t*"))]
    digest = hashlib.sha256(version("PyStemmer").encode())
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def background_sentences() -> tuple[str, ...]:
    """Sentences that no knowledge base about SIPD answers, the negatives of the calibration."""
    return tuple(_lines(LANGUAGE_FOLDER / "background.txt"))


def field_sentences() -> tuple[str, ...]:
    """Faults of the field as operators report them, the positives that every calibration starts from."""
    return tuple(_lines(LANGUAGE_FOLDER / "field.txt"))


@lru_cache(_REMEMBERED_WORDS)
def _expanded(word: str) -> str:
    table = _tables().replacements
    lowered = word.casefold()
    if lowered in table:
        return table[lowered]
    if _REPEATED.fullmatch(lowered):
        return _expanded(word[:-1])
    if lowered.endswith("nya") and lowered[:-3] in table:
        return table[lowered[:-3]]
    if _PART.fullmatch(word):
        return word
    return _PART.sub(lambda match: table.get(match.group().casefold(), match.group()), word)


def _matter(text: str) -> tuple[str, tuple[str, ...]]:
    """A question without what has no bearing on it, short forms as they are, and the pieces taken out of it."""
    dropped: list[str] = []
    tables = _tables()
    unsigned = take_signatures(_STRETCHED.sub(r"\1", text.casefold()), dropped)
    without_noise = _remove((_DOCUMENT_NUMBER, *tables.noise), unsigned, dropped)
    matter = _remove(tables.padding, without_noise, dropped)
    return (matter, tuple(dropped)) if _PART.search(matter) else (_squeeze(text.casefold()), ())


def _remove(patterns: Sequence[re.Pattern[str]], text: str, dropped: list[str]) -> str:
    def take(found: re.Match[str]) -> str:
        if _PART.search(piece := _squeeze(found.group())):
            dropped.append(piece)
        return " "

    for pattern in patterns:
        text = pattern.sub(take, text)
    return _squeeze(text)


def _squeeze(text: str) -> str:
    return _SPACES.sub(" ", text).strip(" ,.;:-")


def _concepts_in(found: tuple[str, ...]) -> Iterator[str]:
    position, table = 0, _tables().concepts
    while position < len(found):
        if found[position] not in table:  # nearly every word: this loop is a third of the reading of a large base
            position += 1
            continue
        phrase, named = _longest_phrase(found, position)
        yield from (CONCEPT_MARK + name for name in named)
        position += max(1, len(phrase))


def _longest_phrase(found: tuple[str, ...], start: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    for phrase, named in _tables().concepts[found[start]].items():
        if found[start : start + len(phrase)] == phrase:
            return phrase, named
    return (), ()


@cache
def _stemmer() -> Stemmer.Stemmer:
    return Stemmer.Stemmer("indonesian")


@lru_cache(_REMEMBERED_WORDS)
def _stem(word: str) -> str:
    return str(_stemmer().stemWord(word))


@cache
def _tables() -> LanguageTables:
    folder = LANGUAGE_FOLDER
    glossary = [line.split("\t") for line in _lines(folder / "glossary.tsv")]
    return LanguageTables(
        replacements=_replacements(folder),
        concepts=_concept_table(glossary, [line.split("\t") for line in _lines(folder / "synonyms.tsv")]),
        full_names={name: full for name, full, _ in glossary if len(name) <= _LONGEST_ABBREVIATION},
        field_names=frozenset(name for name, *_ in glossary if 3 <= len(name) <= _LONGEST_ABBREVIATION) - _EVERYDAY | _TAXES,
        stop_words=frozenset(" ".join(_lines(folder / "stop_words.txt")).split()),
        vague=frozenset(stems(" ".join(_lines(folder / "vague.txt")).split())),
        padding=tuple(re.compile(line) for line in _lines(folder / "padding.txt")),
        noise=tuple(re.compile(line) for line in _lines(folder / "noise.txt")),
    )


def _replacements(folder: Path) -> dict[str, str]:
    table: dict[str, str] = {}
    for name in ("english.tsv", "regional.tsv", "short_forms.tsv"):  # a later file wins
        for line in _lines(folder / name):
            full, variants = line.split("\t")
            table.update(dict.fromkeys(variants.split(), full))
    return table


def _concept_table(
    glossary: Sequence[Sequence[str]], synonyms: Sequence[Sequence[str]]
) -> dict[str, dict[tuple[str, ...], tuple[str, ...]]]:
    named: dict[tuple[str, ...], list[str]] = {}
    for name, full, others in glossary:
        for phrase in filter(None, (name, full, *others.split("|"))):
            named.setdefault(tuple(stems(_PART.findall(phrase))), []).append(name)
    for name, members in synonyms:
        for phrase in members.split("|"):
            named.setdefault(tuple(stems(_PART.findall(phrase))), []).append(f"~{name}")
    table: dict[str, dict[tuple[str, ...], tuple[str, ...]]] = {}
    for stemmed in sorted(named, key=len, reverse=True):
        table.setdefault(stemmed[0], {})[stemmed] = tuple(dict.fromkeys(named[stemmed]))
    return table


def _lines(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("# ")]
