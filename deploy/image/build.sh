#!/bin/sh
# Builds the image with docker, podman or buildah, whichever works here: deploy/image/build.sh TAG [OPTION...]
# ENGINE names one of them; the options are its own.
set -eu
cd "$(dirname "$0")/../.."
tag=$1
shift
for engine in ${ENGINE:-docker podman buildah}; do
    if "$engine" info >/dev/null 2>&1; then break; fi
    engine=
done
if [ -z "$engine" ]; then
    echo "none of ${ENGINE:-docker, podman and buildah} works here" >&2
    exit 1
fi
version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' daemon/mooring/__init__.py)
revision=$(git describe --always --dirty --abbrev=40 --exclude '*' 2>/dev/null || echo unknown)
created=$(TZ=UTC git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd 2>/dev/null || date -u +%Y-%m-%dT%H:%M:%SZ)
exec "$engine" build --tag "$tag" --build-arg "VERSION=$version" --build-arg "REVISION=$revision" \
    --build-arg "CREATED=$created" "$@" .
