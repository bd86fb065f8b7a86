"""What a message wants and how it feels, read by two small models taught at start from the shipped examples."""

from functools import cached_property
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from sipd_core.chat.classifier import load_examples
from sipd_core.chat.intents import IntentClassifier
from sipd_core.chat.sentiment import SentimentModel, load_lexicon
from sipd_core.chat.turn import Intent
from sipd_core.embeddings import Vectors
from sipd_core.language import question_text
from sipd_core.signatures import without_signature

Models = tuple[IntentClassifier, SentimentModel]


class LocalReader:
    """Reads with the meaning of its examples once it is taught it, with their words alone where there is no vector."""

    def __init__(self, folder: Path) -> None:
        """`folder` holds intents.csv, sentiment.csv and sentiment_lexicon.tsv; raises SipdError when they are unfit."""
        self._intents = load_examples(folder / "intents.csv")
        self._sentiments = load_examples(folder / "sentiment.csv")
        self._lexicon = load_lexicon(folder / "sentiment_lexicon.tsv")
        self._with_meaning: Models | None = None

    @property
    def texts(self) -> list[str]:
        """The examples in the order `teach` expects their vectors, cleaned as the questions are whose vectors are read."""
        return [question_text(example.text) for example in (*self._intents, *self._sentiments)]

    def teach(self, vectors: Vectors) -> None:
        """Fit both models on question embeddings of `texts`, shape (n, dimension)."""
        self._with_meaning = self._taught(vectors)

    def intent(self, text: str, vector: NDArray[Any] | None) -> Intent:
        """One of the seven classes."""
        (intents, _), usable = self._for(vector)
        return intents.predict(without_signature(text), usable).intent

    def sentiment(self, text: str, vector: NDArray[Any] | None) -> float:
        """-1 (very negative) .. 1 (very positive)."""
        (_, sentiments), usable = self._for(vector)
        return sentiments.predict(text, usable)

    def _for(self, vector: NDArray[Any] | None) -> tuple[Models, NDArray[Any] | None]:
        """The models taught with meaning read without a vector too; before they are there, a vector is of no use."""
        if self._with_meaning is None:
            return self._with_words, None
        return self._with_meaning, vector

    @cached_property
    def _with_words(self) -> Models:
        """Taught when first needed: where the embedding model works, it never is."""
        return self._taught(None)

    def _taught(self, vectors: Vectors | None) -> Models:
        border = len(self._intents)
        first, second = (None, None) if vectors is None else (vectors[:border], vectors[border:])
        intents = IntentClassifier.fit(self._intents, first)
        return intents, SentimentModel.fit(self._sentiments, second, self._lexicon)
