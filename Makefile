# What to run, and in which order. How a machine is made ready for it is in tools/.

ARGS ?=
TEST_COMMANDS = python3-venv dockerd=docker.io iptables ip=iproute2 haproxy busybox=busybox-static debootstrap \
	docker-registry wrk prometheus promtool=prometheus openssl

.DEFAULT_GOAL := help
.PHONY: help demo test lint format soak coverage mutation chaos bench evaluate docs plots constraints clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

demo: ## An autoscaled web service under a load wave, for two minutes: ARGS="--runtime process"
	@tools/demo.sh $(ARGS)

test: ## Lint and every test, with all that they need (installed on Debian as root): ARGS="tests/decide -x"
	@tools/packages.sh $(TEST_COMMANDS)
	@$(MAKE) --no-print-directory lint
	@tools/with-docker.sh .venv/bin/pytest -n 3 --dist worksteal $(ARGS)

lint: ## Style, types and import rules
	@tools/packages.sh python3-venv
	@tools/venv.sh test
	@.venv/bin/ruff check --quiet .
	@.venv/bin/ruff format --check --quiet . || { echo "not formatted; run make format" >&2; exit 1; }
	@.venv/bin/mypy --no-error-summary
	@.venv/bin/lint-imports --no-logo >.venv/imports.log || { cat .venv/imports.log; exit 1; }

format: ## Write the code as ruff has it
	@tools/venv.sh test
	@.venv/bin/ruff check --quiet --fix .
	@.venv/bin/ruff format --quiet .

soak: ## A million runs of the deterministic simulation, a million fuzzed inputs: ARGS="--runs 20000 --from 5000"
	@tools/venv.sh test
	@tools/soak.sh $(ARGS)

coverage: ## Branch coverage of spec, measure, decide, reconcile by their own tests, at least 95%: ARGS="decide"
	@tools/venv.sh test
	@tools/coverage.sh $(ARGS)

mutation: ## Break decide and reconcile in some thousand places and see that their tests notice: ARGS="autoscaler.decide.bounds*"
	@tools/venv.sh test mutation
	@tools/mutation.sh $(ARGS)

chaos: ## Faults under load on the real thing, five minutes a runtime: ARGS="--runtime docker --minutes 60 --seed 7"
	@tools/packages.sh $(TEST_COMMANDS)
	@tools/venv.sh test
	@tools/with-docker.sh tools/chaos.sh $(ARGS)

bench: ## Every benchmark: a line each, with the ratio and its goal
	@tools/packages.sh $(TEST_COMMANDS)
	@tools/venv.sh test
	@tools/with-docker.sh tools/bench.sh

evaluate: ## auto beside HPA, KPA, KEDA and AWS on traces, some hours: ARGS="--quick", ARGS="--traces FOLDER"
	@tools/venv.sh test evaluate
	@nice -n 5 .venv/bin/python -m benchmarks.evaluate $(ARGS)

docs: ## Write again what is made from the code: the policy file's JSON Schema, the reference pages
	@tools/venv.sh test
	@tools/docs.sh

plots: ## Draw the plots of docs/decisions.md again, some minutes: ARGS="auto step"
	@tools/venv.sh test
	@nice -n 5 .venv/bin/python -m benchmarks.decisions $(ARGS)

constraints: ## Look for newer versions of all that is installed, and pin them
	@tools/constraints.sh

clean: ## Remove .venv and the caches
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage mutants dist build
