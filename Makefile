# Thin doors to the `spotcheck` command. `make demo` and `make test` do all their own set-up.
SHELL := /bin/bash
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
UV := $(shell sed -n 's/^\(uv==[0-9.]*\).*/\1/p' requirements/dev.txt)
# Options for the command behind a target, as in `make deploy ARGS="--backend-config bucket=my-state"`.
ARGS ?=

.PHONY: help
help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

# ---------------------------------------------------------------- set-up

.PHONY: setup
setup: $(READY) ## Make the virtual environment in .venv

$(READY): requirements/dev.txt pyproject.toml scripts/find-python.sh
	@python="$$(scripts/find-python.sh)" && "$$python" -m venv --clear $(VENV) \
	  || { echo "error: no virtual environment: on Debian and Ubuntu install python3-venv." >&2; exit 1; }
	@echo "Installing the pinned packages into $(VENV) (once) ..." >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "$(UV)"
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python requirements/dev.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

.PHONY: terraform
terraform:
	@command -v terraform >/dev/null \
	  || { echo "error: terraform is missing: install Terraform 1.9 or newer (https://developer.hashicorp.com/terraform/install)." >&2; exit 1; }

.PHONY: lock
lock: $(READY) ## Compile the pinned requirement files anew
	@compile() { $(BIN)/uv pip compile --quiet --upgrade --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" "$$@"; }; \
	for set in desk demo dev checkov awscli audit fuzz openvino; do \
	  compile --universal --python-version 3.11 requirements/$$set.in -o requirements/$$set.txt || exit 1; \
	done; \
	compile --universal --python-version 3.11 --no-annotate requirements/bench.in -o requirements/bench.txt \
	  && sed -i -E '/^(nvidia|cuda|triton)/d' requirements/bench.txt; \
	compile --universal --python-version 3.11 --generate-hashes -c requirements/desk.txt chalice_app/requirements.in -o chalice_app/requirements.txt; \
	compile --python-version 3.13 --generate-hashes -c requirements/desk.txt requirements/layer.in -o requirements/layer.txt; \
	compile --python-version 3.13 --generate-hashes -c requirements/desk.txt requirements/training.in -o requirements/training.txt

# ---------------------------------------------------------------- the main job

.PHONY: demo
demo: $(READY) terraform ## Judge real photographs of solar cells on the embedded AWS (DATA=dir: your own)
	@$(BIN)/spotcheck demo $(if $(DATA),--data "$(DATA)") $(ARGS)

.PHONY: up down status
up: $(READY) terraform ## Start the embedded AWS with the stack applied
	@$(BIN)/spotcheck up $(ARGS)
down: $(READY) ## Stop the embedded AWS
	@$(BIN)/spotcheck down $(ARGS)
status: $(READY) ## Say what runs, and how to reach it
	@$(BIN)/spotcheck status $(ARGS)

.PHONY: train
train: $(READY) ## Train a model: DATA=dir [MODEL=model.onnx]
	@$(BIN)/spotcheck train --data "$(DATA)" --output "$(or $(MODEL),model.onnx)" $(ARGS)

.PHONY: start-model stop-model
start-model: $(READY) ## Host a model: [VERSION=latest] [MIN_UNITS=1] [MAX_UNITS=n]
	@$(BIN)/spotcheck model start --version "$(or $(VERSION),latest)" --min-units "$(or $(MIN_UNITS),1)" \
	  $(if $(MAX_UNITS),--max-units "$(MAX_UNITS)") $(ARGS)
stop-model: $(READY) ## Stop the hosted model: no cost, uploads wait [VERSION=n]
	@$(BIN)/spotcheck model stop $(if $(VERSION),--version "$(VERSION)") $(ARGS)

.PHONY: package plan deploy destroy
package: $(READY) ## Build what Terraform deploys: deployment.zip, Chalice's JSON, the layer
	@$(BIN)/spotcheck package $(ARGS)
plan: $(READY) terraform ## Show what a deployment would change
	@$(BIN)/spotcheck plan $(ARGS)
deploy: $(READY) terraform ## Deploy to your AWS account (asks first)
	@$(BIN)/spotcheck deploy $(ARGS)
destroy: $(READY) terraform ## Remove the stack (refuses while there is data)
	@$(BIN)/spotcheck destroy $(ARGS)

# ---------------------------------------------------------------- checks

.PHONY: test
test: $(READY) terraform lint types licences ## Every test; what CI runs
	@$(BIN)/pytest --cov --cov-report=term $(ARGS)

.PHONY: lint
lint: $(READY) ## Ruff, and Terraform's format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

.PHONY: format
format: $(READY) terraform ## Put everything into its format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@terraform fmt -recursive terraform

.PHONY: types
types: $(READY) ## mypy, strict
	@$(BIN)/mypy

.PHONY: licences
licences: $(READY) ## Check that the pinned packages may be used and shipped (ALL=1 lists their licences)
	@$(BIN)/python -m spotcheck.licences $(if $(ALL),--all)

.PHONY: vulnerabilities
vulnerabilities: $(READY) ## Known vulnerabilities of the pinned packages (asks the Python advisory database)
	@$(BIN)/python -m spotcheck.vulnerabilities $(ARGS)

.PHONY: fuzz
fuzz: $(READY) ## Feed broken input to everything that reads untrusted bytes: SECONDS=60 each
	@$$($(BIN)/python -m spotcheck.tools python fuzz) tests/fuzz/atheris_run.py --seconds $(or $(SECONDS),60) $(ARGS)

.PHONY: bench
bench: $(READY) terraform ## Measure: detector, training, upload to verdict, videos, DetectAnomalies
	@$(BIN)/python -m spotcheck.bench_detector
	@$(BIN)/python -m spotcheck.bench_pipeline
	@$(BIN)/python -m spotcheck.bench_video
	@$(BIN)/python -m spotcheck.bench_api

.PHONY: soak
soak: $(READY) terraform ## Thousands of uploads while everything fails: nothing may be lost
	@$(BIN)/python -m spotcheck.soak $(ARGS)

.PHONY: clean
clean: ## Remove everything built
	@rm -rf build .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage
