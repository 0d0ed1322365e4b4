"""The table of reasons is the contract's, word for word."""

from __future__ import annotations

from mooring.model.reasons import MEANINGS, Effect, Reason

CONTRACT = {
    Effect.SUCCESS: "ok",
    Effect.FAILURE: "refused reset timeout unreachable protocol tls loading offline lagging not-replicating not-synced "
    "saturated",
    Effect.DECIDES: "wrong-role read-only second-writer",
    Effect.UNKNOWN: "auth quota blocked local dns blind common-cause outvoted",
}
"""What a probe can say, in the contract's order."""


def test_each_reason_has_the_effect_of_the_contract() -> None:
    """A reason that is our fault changes no verdict, a counted one counts, the host's own word decides at once."""
    found = {effect: " ".join(reason for reason in Reason if MEANINGS[reason].effect is effect) for effect in Effect}
    assert found == CONTRACT


def test_each_reason_has_one_sentence_of_its_own() -> None:
    """People read what a reason means, and no two reasons read the same."""
    sentences = [meaning.sentence for meaning in MEANINGS.values()]
    assert list(MEANINGS) == list(Reason)
    assert len(set(sentences)) == len(sentences)
    assert all(len(sentence) > len("answers") for sentence in sentences)
