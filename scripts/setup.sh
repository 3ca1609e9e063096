#!/bin/sh
# Installs the system packages that Earshot builds and tests with, and those named as arguments, if one is missing.
set -eu

packages="libcurl4-openssl-dev libpq-dev librdkafka-dev libsqlite3-dev zlib1g-dev pkg-config make ca-certificates openssl
    python3 $*"

command -v swift >/dev/null || {
    echo "Swift 6 is not installed: see https://www.swift.org/install" >&2
    exit 2
}
command -v dpkg-query >/dev/null || {
    echo "not a Debian or Ubuntu machine; install what corresponds to: $packages" >&2
    exit 0
}

missing=
for package in $packages; do
    status=$(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null || true)
    case $status in ii*) ;; *) missing="$missing $package" ;; esac
done
[ -n "$missing" ] || exit 0

sudo=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
        echo "missing packages, and neither root nor sudo to install them:$missing" >&2
        exit 2
    }
    sudo=sudo
fi
echo "installing:$missing"
$sudo apt-get update -qq
# shellcheck disable=SC2086 # a list of words
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null
