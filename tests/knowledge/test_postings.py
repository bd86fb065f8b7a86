"""Tables of documents by terms: what each holds, what is joined, what is counted."""

import numpy as np

from sipd_core.knowledge.lexical.postings import MOST, UNKNOWN, Postings, Vocabulary

DOCUMENTS = [{"a": 1, "b": 2}, {"b": 3}, {}]


def test_sums_are_over_what_each_document_holds() -> None:
    vocabulary = Vocabulary()
    postings = Postings.of(DOCUMENTS, vocabulary)
    codes = vocabulary.codes(["b", "a", "tidak dikenal"], len(vocabulary))
    assert codes.tolist() == [1, 0, UNKNOWN]
    assert postings.sums(codes, np.array([2, 1, 9], np.float32)).tolist() == [5.0, 6.0, 0.0]


def test_a_term_that_came_later_is_unknown_to_an_earlier_table() -> None:
    vocabulary = Vocabulary("ab")
    postings = Postings.of(DOCUMENTS, vocabulary)
    vocabulary.code("c")
    assert vocabulary.codes("c", below=2).tolist() == [UNKNOWN]
    assert postings.sums(np.array([2], np.int32), np.ones(1, np.float32)).tolist() == [0, 0, 0]


def test_only_flagged_documents_are_counted() -> None:
    postings = Postings.of(DOCUMENTS, Vocabulary())
    assert postings.frequency(np.ones(3, np.bool_), 2).tolist() == [1, 2, 0]
    assert postings.frequency(np.array([False, True, True]), 2).tolist() == [0, 1, 0]


def test_a_joined_table_holds_the_flagged_documents_of_all() -> None:
    vocabulary = Vocabulary()
    first, second = Postings.of(DOCUMENTS, vocabulary), Postings.of([{"c": 4, "b": 1}], vocabulary)
    joined = Postings.joined([(first, np.array([True, False, True])), (second, np.ones(1, np.bool_))])
    assert joined.size == 3
    counts = [joined.sums(np.array([code], np.int32), np.ones(1, np.float32)).tolist() for code in range(3)]
    assert counts == [[1, 0, 0], [2, 0, 1], [0, 0, 4]]


def test_a_term_repeated_without_end_is_counted_as_often_as_can_be() -> None:
    postings = Postings.of([{"a": 1_000_000}], Vocabulary())
    assert postings.counts.tolist() == [MOST]
