#!/bin/sh
# Builds the binary that is shipped, runs every suite, and plays the demonstration.
set -eu

flags="--explicit-target-dependency-import-check error"
swift build -c release --product earshot $flags
EARSHOT_BINARY="$(pwd)/.build/release/earshot"
export EARSHOT_BINARY

swift build --build-tests $flags
# One after another: many of them start servers and wait for them, and two cores are soon busy.
swift test --skip-build --no-parallel
echo "the services once more, on a PostgreSQL server of their own"
EARSHOT_TEST_DATABASE=postgres swift test --skip-build --no-parallel \
    --filter 'FetcherTests|ParserTests|ReportsTests|WebhookTests|WorkspaceTests'

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo "the demonstration, in its own world"
"$EARSHOT_BINARY" demo --once --json --data "$work/world" >"$work/world.json"
if [ -n "${EARSHOT_FIXTURES:-}" ]; then
    echo "the demonstration, on recorded feedback"
    "$EARSHOT_BINARY" demo --once --json --data "$work/corpus" --corpus "$EARSHOT_FIXTURES/corpus" >"$work/corpus.json"
else
    echo "SKIPPED: the recorded corpora, because EARSHOT_FIXTURES is not set"
fi
