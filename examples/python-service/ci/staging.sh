#!/bin/sh
# ci/staging.sh VERSION: the longer look at a release that ci/dev.sh made, and the wait until it is in staging.
# Needs semgrep and syft on the PATH besides.
set -eu
cd "$(dirname "$0")/.."
release=parcels@$1

semgrep scan --quiet --metrics off --disable-version-check --config semgrep.yml \
    --sarif --output evidence/semgrep.sarif src || :
syft scan --quiet dir:app --output cyclonedx-json=evidence/sbom.json || :

gateline evidence add "$release" evidence/semgrep.sarif evidence/sbom.json
gateline explain "$release" --to staging --watch --timeout 5m
