"""`python -m autoscaler`: the console script by another way."""

from autoscaler.cli import main

main()
