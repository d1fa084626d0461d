#!/usr/bin/env bash
# Keeps a small plugin of the contract as it is, for tests/tests/main/hostile/archived.rs to load in every later version.
#
#     tests/archive.sh            from a clean checkout of a release, on each platform that the project is tested on
#
# The plugin is fixtures/raw: of the bare contract, so it has no DataFusion and is some hundred kilobytes. What is
# archived is never built again: that is the point.
set -euo pipefail
cd "$(dirname "$0")/.."

[ -z "$(git status --porcelain)" ] || { echo "tests/archive.sh: the checkout has changes" >&2; exit 1; }
version=$(sed -n 's/^pub const CONTRACT_TEXT: &str = "\(.*\)";$/\1/p' plugin_api/src/abi/version.rs)
target=$(rustc -vV | sed -n 's/^host: //p')
case $target in
    *-apple-*) prefix=lib extension=dylib ;;
    *-windows-*) prefix="" extension=dll ;;
    *) prefix=lib extension=so ;;
esac
folder=tests/data/archive/$target
[ -n "$version" ] || { echo "tests/archive.sh: no contract version found" >&2; exit 1; }
[ ! -e "$folder/$version.$extension" ] || { echo "tests/archive.sh: contract $version is archived already" >&2; exit 1; }

# Of this package alone, so that the contract has no feature of the workspace's.
CARGO_PROFILE_RELEASE_PLUGIN_OPT_LEVEL=z cargo build --locked --profile release-plugin --package fixture-raw
mkdir -p "$folder"
cp "${CARGO_TARGET_DIR:-target}/release-plugin/${prefix}fixture_raw.$extension" "$folder/$version.$extension"
ls -l "$folder"
