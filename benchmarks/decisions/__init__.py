"""The plots of docs/decisions.md: each policy type on the same generated day. `make plots` draws them again."""
