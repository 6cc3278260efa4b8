#!/bin/sh
# Makes the evidence of every release from scratch: each release is the program here plus the patches of `change/`
# up to it. Needs python3 (3.11 or later) with venv, git and the Python package index.
# The commits have fixed names and dates, so that `change/*.yaml` can name them.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements-dev.txt"
tools=$work/venv/bin

mkdir "$work/src"
cp -R "$here/payment_service" "$here/tests" "$here/pyproject.toml" "$here/requirements-dev.txt" "$work/src"
cd "$work/src"
find . -name __pycache__ -exec rm -rf {} +
git init --quiet --initial-branch=main .
export PYTHONDONTWRITEBYTECODE=1

commit() { # VERSION DATE AUTHOR EMAIL: commits, and refuses a change file that names another commit
    git add --all
    GIT_AUTHOR_NAME=$3 GIT_AUTHOR_EMAIL=$4 GIT_AUTHOR_DATE=$2 \
        GIT_COMMITTER_NAME=$3 GIT_COMMITTER_EMAIL=$4 GIT_COMMITTER_DATE=$2 \
        git -c commit.gpgsign=false -c core.hooksPath=/dev/null commit --quiet --message "Release $1"
    made=$(git rev-parse HEAD)
    if ! grep -q "commit: $made" "$here/change/$1.yaml"; then
        echo "change/$1.yaml does not name commit $made of release $1" >&2
        exit 1
    fi
}

evidence() { # VERSION: runs the tools, and takes out what differs from host to host
    out=$here/evidence/$1
    mkdir -p "$out"
    "$tools/pytest" --quiet -p no:cacheprovider \
        --junitxml="$out/junit.xml" --cov --cov-report="lcov:$out/coverage.lcov"
    "$tools/ruff" check --no-cache --output-format sarif --output-file "$out/lint.sarif"
    sed -i -e 's/ hostname="[^"]*"//' "$out/junit.xml"
    sed -i -e "s#file://$work/src/##g" "$out/lint.sarif"
    rm -f .coverage
    if grep -r -e "$work" "$out"; then
        echo "evidence/$1 names a directory of this host" >&2
        exit 1
    fi
}

release() { # VERSION DATE AUTHOR EMAIL
    if [ -f "$here/change/$1.patch" ]; then
        git apply "$here/change/$1.patch"
    fi
    commit "$@"
    evidence "$1"
}

release 1.0.0 2026-11-02T09:12:00Z "Ana Ruiz" ana.ruiz@example.com
release 1.1.0 2026-11-09T10:30:00Z "Ben Okafor" ben.okafor@example.com
release 1.2.0 2026-11-12T14:05:00Z "Ana Ruiz" ana.ruiz@example.com
release 1.3.0 2026-11-16T08:47:00Z "Mei Tanaka" mei.tanaka@example.com
release 1.4.0 2026-11-18T16:20:00Z "Ben Okafor" ben.okafor@example.com
