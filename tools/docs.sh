#!/bin/sh
# Writes again the files that are made from the code. Tests compare them with it.
set -eu
cd "$(dirname "$0")/.."

.venv/bin/autoscaler schema >autoscaler.schema.json
.venv/bin/python -m autoscaler.telemetry.reference docs
