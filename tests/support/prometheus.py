"""Prometheus' own checker, for tests that can do without it where it isn't installed."""

import shutil

import pytest

needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (Debian: prometheus) is not there")
