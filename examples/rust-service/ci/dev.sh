#!/bin/sh
# ci/dev.sh VERSION: makes release VERSION, looks at it, tells Gateline, and waits until it is in dev.
# Needs gateline, cargo and cargo-nextest on the PATH, GATELINE_SERVER and GATELINE_TOKEN.
set -eu
cd "$(dirname "$0")/.."
release=seats@$1
target=${CARGO_TARGET_DIR:-target}

# What an earlier run left must not be taken for what this one found.
rm -rf evidence target/nextest
mkdir evidence

cargo build --quiet --locked --release
cp "$target/release/seats" "seats-$1"

# A tool that finds something fails. Whether that is too much is for the gates to say, so the job goes on.
cargo nextest run --locked --profile ci || :
cp target/nextest/ci/junit.xml evidence/junit.xml

gateline release create "$release" --artifact "service=file:$PWD/seats-$1"
gateline evidence add "$release" --name unit evidence/junit.xml
gateline explain "$release" --to dev --watch --timeout 5m
