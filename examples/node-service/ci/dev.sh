#!/bin/sh
# ci/dev.sh VERSION: makes release VERSION, looks at it, tells Gateline, and waits until it is in dev.
# Needs gateline and npm on the PATH, GATELINE_SERVER and GATELINE_TOKEN.
set -eu
cd "$(dirname "$0")/.."
release=links@$1

# What an earlier run left must not be taken for what this one found.
rm -rf evidence
mkdir evidence

npm install --no-save --no-fund --no-audit --loglevel=error
npx esbuild src/main.js --bundle --platform=node --format=esm --log-level=warning --outfile="links-$1.mjs"

# A tool that finds something fails. Whether that is too much is for the gates to say, so the job goes on.
npx vitest run --reporter=junit --outputFile=evidence/junit.xml \
    --coverage --coverage.reportsDirectory=evidence/coverage || :
npx eslint --format @microsoft/eslint-formatter-sarif --output-file evidence/eslint.sarif . || :

gateline release create "$release" --artifact "service=file:$PWD/links-$1.mjs"
gateline evidence add "$release" --name unit evidence/junit.xml
gateline evidence add "$release" evidence/coverage/lcov.info evidence/eslint.sarif
gateline explain "$release" --to dev --watch --timeout 5m
