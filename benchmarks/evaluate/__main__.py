"""Works out the table of docs/evaluation.md, resumes where it was ended, and writes the page.

python -m benchmarks.evaluate                     all of it: some hours
python -m benchmarks.evaluate --quick             a day of each trace: some minutes, printed and not written
python -m benchmarks.evaluate --agree             the compiled engine beside autoscaler.simulate
python -m benchmarks.evaluate --page              the page anew, of the scores in docs/evaluation.json
"""

import json
import os
import sys
from argparse import ArgumentParser, Namespace
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from benchmarks.evaluate import agreement, report, table
from benchmarks.evaluate.compiled import IS_COMPILED
from benchmarks.evaluate.traces import FILES, names

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"


def main() -> None:
    """As the arguments say."""
    given = _arguments()
    if given.page:
        saved = json.loads((DOCS / "evaluation.json").read_text())
        (DOCS / "evaluation.md").write_text(report.page([table.Row.from_json(row) for row in saved]))
        return
    if not IS_COMPILED:
        sys.exit("numba is missing, without which this takes weeks; run `make evaluate`, or install the extra `evaluate`")
    folder = Path(given.traces)
    if given.agree:
        print(agreement.told())
        return
    if not all((folder / cut.file).exists() for cut in FILES.values()):
        print(f"no {', '.join(cut.file for cut in FILES.values())} in {folder}/: on generated traces", file=sys.stderr)
    listed = list(table.scenarios(names(folder), tuple(given.part or table.PARTS), quick=given.quick))
    listed = [scenario for scenario in listed if not given.trace or scenario.trace in given.trace]
    rows = _work(table.jobs(listed, tuple(given.only or ())), folder, Path(given.saved), given.processes)
    if given.quick or given.part or given.only or given.trace:
        print(report.tables(rows))
        return
    (DOCS / "evaluation.json").write_text(json.dumps([row.to_json() for row in rows], indent=1) + "\n")
    (DOCS / "evaluation.md").write_text(report.page(rows))


def _arguments() -> Namespace:
    parser = ArgumentParser(prog="make evaluate", description="The decisions against what people use today.")
    parser.add_argument("--quick", action="store_true", help="one day of each trace, printed")
    parser.add_argument("--agree", action="store_true", help="compare the engine with autoscaler.simulate")
    parser.add_argument("--page", action="store_true", help="write the page anew from docs/evaluation.json")
    parser.add_argument("--traces", default="traces", help="the folder with the traces' files")
    parser.add_argument("--saved", default=".evaluate/scores.jsonl", help="where scores are kept meanwhile")
    parser.add_argument("--part", action="append", choices=table.PARTS, help="only this part of the table")
    parser.add_argument("--only", action="append", help="only this controller, such as auto or HPA")
    parser.add_argument("--trace", action="append", help="only this trace")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    return parser.parse_args()


def _work(jobs: list[table.Job], folder: Path, saved: Path, processes: int) -> list[table.Row]:
    """All rows, in the jobs' order; progress goes to stderr."""
    done: dict[table.Job, list[table.Row]] = {}
    with ProcessPoolExecutor(processes) as pool:
        waiting = {pool.submit(table.rows, job, folder, saved): job for job in jobs}
        for future in as_completed(waiting):
            job = waiting[future]
            done[job] = future.result()
            for row in done[job]:
                print(f"{len(done)}/{len(jobs)} {report.line(row)}", file=sys.stderr, flush=True)
    return [row for job in jobs for row in done[job]]


if __name__ == "__main__":
    main()
