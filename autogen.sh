#!/bin/sh
# Make configure from configure.ac; needed in a clone, not in a release.
cd "$(dirname "$0")" && mkdir -p build-aux && exec autoreconf --install --force
