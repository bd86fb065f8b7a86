"""Gold files of the command line are those of the lab: cases by row or by id, and questions that no case answers."""

from pathlib import Path

import pytest

from sipd_core.documents import case_id
from sipd_core.evaluation import GoldSets, evaluate
from sipd_core.settings import Settings

pytestmark = pytest.mark.anyio


async def test_a_set_exported_from_the_lab_is_evaluated(tmp_path: Path, settings: Settings) -> None:
    kb, queries = tmp_path / "log.csv", tmp_path / "set.csv"
    kb.write_text("MENU,ISSUE,EXPECTED\nSP2D,SP2D belum cair,Tekan Transfer\nLogin,Lupa kata sandi,Setel ulang\n")
    queries.write_text(
        "query,gold,style\n"
        f"sp2d blm cair,{case_id('SP2D', 'SP2D belum cair')},a\n"
        "lupa password,log.csv:2,b\n"
        "resep sayur asem yang segar,,luar\n"
    )
    told = await evaluate(GoldSets((kb,), queries), settings)
    assert (told["retrieval"]["n"], told["retrieval"]["hit@1"]) == (2, 1.0)
    assert told["abstention"]["not_found_rate_oos"] == 1.0
