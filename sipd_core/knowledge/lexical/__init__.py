"""Words shared by a question and a case: BM25 over stems and meanings, and character n-grams for misspelt words."""

from sipd_core.knowledge.lexical.entries import LexicalEntry, question_terms
from sipd_core.knowledge.lexical.index import LexicalIndex, LexicalScores

__all__ = ["LexicalEntry", "LexicalIndex", "LexicalScores", "question_terms"]
