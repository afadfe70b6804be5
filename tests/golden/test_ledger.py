"""Each proof that docs/numerics.md names exists: a case of the conformance suite, a file under
tests/, a test in such a file."""

import re
from pathlib import Path

import pytest

from unidl.conformance.cases import ALL_CASES

TESTS = Path(__file__).parents[1]
LEDGER = (TESTS.parent / "docs" / "numerics.md").read_text()
ROWS = [
    line for line in LEDGER.splitlines() if line.startswith("| ") and not line.startswith("| |")
]
CASES = {case.name for case in ALL_CASES}


def _exists(proof):
    path, _, test = proof.partition("::")
    if re.search(r"\.(py|json)$", path):
        return (TESTS / path).is_file() and (
            not test or f"def {test}(" in (TESTS / path).read_text()
        )
    if proof.endswith("…"):
        return any(name.startswith(proof[:-1]) for name in CASES)
    return proof in CASES


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip())
def test_every_proof_exists(row):
    proofs = re.findall(r"`([^`]+)`", row.split("|")[-2])
    assert proofs, "no proof"
    assert [proof for proof in proofs if not _exists(proof)] == []
