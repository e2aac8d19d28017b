"""`auto` beside what people use today, on traces: docs/evaluation.md.

table.py has what is run, trial.py one run, engine.py the replicas, report.py the page.
"""
