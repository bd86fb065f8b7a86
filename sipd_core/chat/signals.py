"""What one message of a help desk chat shows, read from words alone. One reason to change: what counts as a signal.

The phrases stand in `data/language/signals.toml`. An incident that is denied ("bukan diretas") or only supposed
("bagaimana kalau akun diretas?") is not shown.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from sipd_core.chat.phrases import Lexicon, Sentence, every_hit, load_lexicon, split_sentences
from sipd_core.language import names_field, names_nothing

SmallTalk = Literal["greeting", "thanks", "ack"]

_INCIDENTS = ("money_at_risk", "data_at_risk", "security")
_NEGATIONS = frozenset(("tidak", "bukan", "jangan", "belum", "tanpa", "never"))
_NO_DENIAL = frozenset(("tahu", "cuma", "hanya", "sengaja", "lama"))
"""After a negation they leave the rest standing: "jangan cuma diteruskan", "tidak tahu kenapa hilang"."""
_CLAUSE_BREAKS = frozenset((",", "tapi", "padahal", "malah"))
_TURN = re.compile(r"(?:^|(?<= ))(?:,|tapi|padahal|malah|ternyata|dan|sedangkan|sementara) ")
"""Where a sentence turns to something else."""
_HEDGES = frozenset(("agak", "sedikit", "lumayan", "rada", "maaf", "cukup"))
_HARMLESS_IF = re.compile(r"kalau (?:begini|begitu|bisa|boleh|tidak|perlu|dari|sampai) ")
_AGREEING_SIGNS = re.compile("[👍🙏👌✅]")
_READ_CHARACTERS = 2_000
_LAST_CHARACTERS = 1_000
_SHORT_FAILURE = 8
"""A longer message that names a failure tells a story; alone that is not yet a failed attempt."""


@dataclass(frozen=True, slots=True)
class Signals:
    """What one message shows; every flag is False when the message says nothing about it."""

    small_talk: SmallTalk | None = None
    """Set only when the message holds nothing but a greeting, thanks or an acknowledgement."""
    thanks: bool = False
    solved: bool = False
    still_unsolved: bool = False
    """Says that what was tried did not help ("masih gagal", "sama saja")."""
    failure: bool = False
    """Names a failure or denies in few words ("620 baris ditolak", "hasilnya tidak berbeda")."""
    tried: bool = False
    """Reports a step as done, without its outcome ("sudah yang terbaru")."""
    told_message: bool = False
    """Quotes what the screen says: a detail, not a new attempt."""
    question: bool = False
    how_to: bool = False
    new_topic: bool = False
    wants_person: bool = False
    declines_person: bool = False
    money_at_risk: bool = False
    data_at_risk: bool = False
    security: bool = False
    recovered: bool = False
    """What was at risk is back, or the matter was settled elsewhere."""
    repeated_report: bool = False
    """Says itself that this was reported several times before without help."""
    anger: int = 0
    """0 none, 1 mild ("kesal"), 2 and more an insult, a threat or shouting."""
    calms: bool = False
    """Denies or takes back anger ("bukannya saya marah", "maaf tadi emosi")."""
    pressing: bool = False
    topics: frozenset[str] = frozenset()
    """SIPD documents and functions that the message names."""
    words: int = 0
    vague: bool = False
    """Names no problem: says at most that something fails, lasts or works again."""
    continues: bool = False
    """Asks on from what was said before ("terus kalau pph-nya bagaimana?")."""
    names_field: bool = False
    """Names a document or body that only SIPD's field has."""


def read_signals(message: str, lexicon: Lexicon | None = None) -> Signals:
    """What `message` shows; of a long one only its first 2,000 and last 1,000 characters are read: a log stands between."""
    words = lexicon or load_lexicon()
    sentences = split_sentences(_head_and_tail(message), words)
    tokens = [token for sentence in sentences for token in sentence.text.split()]
    small_talk = _small_talk(message, tokens, words)
    if small_talk or not tokens:
        return Signals(small_talk=small_talk, thanks=small_talk == "thanks", words=_count(tokens))
    shown = _read(sentences, tokens, words)
    return replace(shown, vague=names_nothing(message), names_field=names_field(message))


def _head_and_tail(message: str) -> str:
    if len(message) <= _READ_CHARACTERS + _LAST_CHARACTERS:
        return message
    return f"{message[:_READ_CHARACTERS]}\n{message[-_LAST_CHARACTERS:]}"


def _read(sentences: Sequence[Sentence], tokens: Sequence[str], words: Lexicon) -> Signals:
    def shown(name: str) -> bool:
        return any(words.shows(sentence, name) for sentence in sentences)

    money, data, security = (any(_incident(one, name, words) for one in sentences) for name in _INCIDENTS)
    recovered = shown("recovered") and not shown("still_unsolved")
    return Signals(
        thanks="terimakasih" in tokens,
        solved=_solved(sentences, words) and (recovered or not (money or data or security)),
        still_unsolved=shown("still_unsolved") and not shown("not_tried"),
        failure=(shown("failure") or shown("denial")) and len(tokens) <= _SHORT_FAILURE,
        tried=shown("tried"),
        told_message=shown("told_message"),
        question=any(one.asked or words.phrases["question"].match(one.text) for one in sentences),
        how_to=shown("how_to"),
        new_topic=shown("new_topic"),
        continues=bool(words.phrases["continues"].match(sentences[0].text)),
        wants_person=any(_wants_person(one, words) for one in sentences),
        declines_person=shown("declines_person"),
        money_at_risk=money,
        data_at_risk=data,
        security=security,
        recovered=recovered,
        repeated_report=shown("repeated_report"),
        anger=_anger(sentences, words),
        calms=shown("calms"),
        pressing=shown("pressing"),
        topics=words.topics.intersection(tokens),
        words=_count(tokens),
    )


def _count(tokens: Sequence[str]) -> int:
    return sum(token != "," for token in tokens)


def _small_talk(message: str, tokens: Sequence[str], words: Lexicon) -> SmallTalk | None:
    if not tokens:
        return "ack" if _AGREEING_SIGNS.search(message) else None
    kinds = words.small_talk
    if "?" in message or not frozenset().union(*kinds.values()).issuperset(tokens):
        return None
    order: tuple[SmallTalk, ...] = ("thanks", "greeting", "ack")
    return next((kind for kind in order if not kinds[kind].isdisjoint(tokens)), None)


def _incident(sentence: Sentence, name: str, words: Lexicon) -> bool:
    return any(
        not _denied(sentence.text[: hit.start()])
        and not _supposed(sentence, hit, words)
        and not words.excepted_at(sentence, name, _clause_around(sentence.text, hit))
        for hit in every_hit(words.phrases[name], sentence.text)
    )


def _clause_around(text: str, hit: re.Match[str]) -> tuple[int, int]:
    """From where to where the clauses reach in which a phrase stands: what the next one says is another matter."""
    ends = [turn.end() for turn in _TURN.finditer(text, 0, hit.start())]
    following = _TURN.search(text, hit.end() - 1)
    return (ends[-1] if ends else 0), (following.start() + 1 if following else len(text))


def _denied(before: str) -> bool:
    """A negation stands at most two tokens before, in the same clause."""
    near = before.split()[-2:]
    for place in range(len(near) - 1, -1, -1):
        if near[place] in _CLAUSE_BREAKS:
            return False
        follower = near[place + 1] if place + 1 < len(near) else ""
        if near[place] in _NEGATIONS and follower not in _NO_DENIAL:
            return True
    return False


def _supposed(sentence: Sentence, hit: re.Match[str], words: Lexicon) -> bool:
    """Feared, imagined or asked about in general; "terlanjur", "tadi" and their like make a question real."""
    start = _clause_around(sentence.text, hit)[0]
    earlier, here = (_HARMLESS_IF.sub("", part) for part in (sentence.text[:start], sentence.text[start : hit.start()]))
    real = words.phrases["realised"].search(here + hit.group())
    if words.phrases["supposed"].search(here) or (words.phrases["supposed"].search(earlier) and (sentence.asked or not real)):
        return True
    rest_of_clause = sentence.text[hit.end() :].split(",")[0]
    if sentence.asked and "kalau " in _HARMLESS_IF.sub("", rest_of_clause):
        return True
    before = earlier + here
    real = words.phrases["realised"].search(before + hit.group())
    return bool(words.phrases["asked"].search(before)) and not real


def _wants_person(sentence: Sentence, words: Lexicon) -> bool:
    if words.shows(sentence, "declines_person") or words.excepted(sentence, "wants_person"):
        return False
    hit = words.phrases["wants_person"].search(sentence.text)
    return hit is not None and not _denied(sentence.text[: hit.start()])


def _solved(sentences: Sequence[Sentence], words: Lexicon) -> bool:
    """The last word counts: "sudah bisa masuk tapi SPP masih gagal" is not solved."""
    verdict = False
    for sentence in sentences:
        good = _last_good(sentence, words)
        bad = _last_end(words.phrases["still_unsolved"], sentence.text, 0)
        if bad < 0 <= good:
            bad = _last_end(words.phrases["failure"], sentence.text, good)
        if max(good, bad) >= 0:
            verdict = good > bad
    return verdict


def _last_end(pattern: re.Pattern[str], text: str, start: int) -> int:
    return max((hit.end() for hit in pattern.finditer(text, start)), default=-1)


def _last_good(sentence: Sentence, words: Lexicon) -> int:
    """Where the last claim of success ends, -1 without one; wishes, questions and denials are none."""
    if sentence.asked:
        return -1
    ends = [-1]
    for hit in words.phrases["solved"].finditer(sentence.text):
        clause = re.split(r", |tapi |padahal ", sentence.text[: hit.end()])[-1]
        if not words.phrases["pre_done"].search(clause):
            ends.append(hit.end())
    return max(ends)


def _anger(sentences: Sequence[Sentence], words: Lexicon) -> int:
    weight = max(_anger_of(sentence, words) for sentence in sentences)
    if not any(sentence.shouted for sentence in sentences):
        return weight
    if weight:
        return weight + 1
    return 2 if any(words.shows(sentence, "failure") for sentence in sentences) else 0


def _anger_of(sentence: Sentence, words: Lexicon) -> int:
    threat = words.shows(sentence, "anger_threat") and not sentence.asked
    if threat or _meant(sentence, "anger_strong", words):
        return 2
    return int(_meant(sentence, "anger_mild", words))


def _meant(sentence: Sentence, name: str, words: Lexicon) -> bool:
    """A phrase stands there that is neither denied ("tidak marah") nor softened ("agak kesal")."""
    befores = (sentence.text[: hit.start()] for hit in words.phrases[name].finditer(sentence.text))
    return any(not _denied(before) and _HEDGES.isdisjoint(before.split()[-2:]) for before in befores)
