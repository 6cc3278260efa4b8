#!/bin/sh
# ci/dev.sh VERSION: makes release VERSION, looks at it, tells Gateline, and waits until it is in dev.
# Needs gateline, python3 and what requirements-dev.txt names on the PATH, GATELINE_SERVER and GATELINE_TOKEN.
set -eu
cd "$(dirname "$0")/.."
release=parcels@$1

# What an earlier run left must not be taken for what this one found.
rm -rf app evidence
mkdir evidence
export PYTHONDONTWRITEBYTECODE=1

# The artifact: one file with all that the service needs.
python3 -m pip install --quiet --disable-pip-version-check --no-compile --target app --requirement requirements.txt
cp -R src/parcels app
python3 -m zipapp app --main parcels.__main__:main --output "parcels-$1.pyz"

# A tool that finds something fails. Whether that is too much is for the gates to say, so the job goes on.
pytest --quiet -p no:cacheprovider --junitxml=evidence/junit.xml --cov --cov-report=json:evidence/coverage.json || :
ruff check --no-cache --output-format sarif --output-file evidence/ruff.sarif || :

gateline release create "$release" --artifact "service=file:$PWD/parcels-$1.pyz"
gateline evidence add "$release" evidence/junit.xml evidence/coverage.json evidence/ruff.sarif
gateline explain "$release" --to dev --watch --timeout 5m
