#!/bin/sh
# ci/staging.sh VERSION: what a release that ci/dev.sh made is made of, and the wait until it is in staging.
# Needs cargo-cyclonedx on the PATH besides.
set -eu
cd "$(dirname "$0")/.."
release=seats@$1

cargo cyclonedx --quiet --format json --spec-version 1.5 --override-filename sbom
mv sbom.json evidence/sbom.json

gateline evidence add "$release" evidence/sbom.json
gateline explain "$release" --to staging --watch --timeout 5m
