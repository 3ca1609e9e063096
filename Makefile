# Earshot: every piece of customer feedback, within earshot.
.DEFAULT_GOAL := help
SWIFT_FLAGS := --explicit-target-dependency-import-check error
PORT ?= 8080
DATA ?= ./data
CORPUS ?=

.PHONY: help setup build demo test serve bench lint format train

help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install the system packages that are missing (Debian, Ubuntu)
	@scripts/setup.sh

build: setup ## Build the release binary, .build/release/earshot
	swift build -c release --product earshot $(SWIFT_FLAGS)

demo: build ## Show the product at work on embedded storage (CORPUS=folder plays recorded feedback)
	.build/release/earshot demo $(if $(CORPUS),--corpus $(CORPUS))

test: ## Run every test
	@scripts/setup.sh postgresql python3-venv
	@scripts/python.sh
	scripts/test.sh

serve: build ## Run the server with all roles (PORT=8080 DATA=./data)
	.build/release/earshot serve --data $(DATA) --port $(PORT)

bench: build ## Measure speed as ratios, side by side in one run
	@scripts/setup.sh wrk kcat
	@touch Benchmarks/Package.swift # else new files of the package that it depends on are not noticed
	swift build -c release --package-path Benchmarks
	for part in json mapping log kafka rows engines webhook jobs pipeline sink insights distributed export; do \
		echo; echo "== $$part"; Benchmarks/.build/release/EarshotBench $$part || exit 1; done

lint: ## Check the format of the code
	swift format lint --strict --recursive --parallel Package.swift Sources Tests Benchmarks/Sources

format: ## Format the code
	swift format --in-place --recursive --parallel Package.swift Sources Tests Benchmarks/Sources

train: ## Train the text engines again from labelled text (EARSHOT_DATA=folder)
	$(MAKE) -C tools/train DATA=$(EARSHOT_DATA)
