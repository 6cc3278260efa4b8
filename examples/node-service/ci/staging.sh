#!/bin/sh
# ci/staging.sh VERSION: puts load on a release that ci/dev.sh brought to dev, and waits until it is in staging.
# Needs k6 on the PATH besides, and the address of dev in DEV_URL.
set -eu
cd "$(dirname "$0")/.."
release=links@$1

k6 run --quiet --no-usage-report --summary-export=evidence/k6.json \
    --env "URL=${DEV_URL:-http://127.0.0.1:8131}" load.js || :

gateline evidence add "$release" evidence/k6.json
gateline explain "$release" --to staging --watch --timeout 5m
