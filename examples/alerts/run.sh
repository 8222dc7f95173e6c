#!/bin/sh
# Checks the rules for alerts, asks them where an alert would go, and runs a team whose pool runs out on purpose:
# of seven denials one is told at once and six together. Exits with 0 if all of it ends as announced.
cd "$(dirname "$0")/../.." || exit 1

cargo build --package safeguards-cli || exit 1
safeguards() { cargo run --quiet --package safeguards-cli -- "$@"; }

printf '\n== Where would this alert go? examples/alerts/alerts.toml\n\n'
safeguards alerts check examples/alerts/alerts.toml \
    --alert '{"severity":"high","topic":"budget.denied","agent":"reader","message":"no money"}' || exit 1

printf '\n== Ten pages, and money for three: examples/alerts/team.toml\n\n'
safeguards run examples/alerts/team.toml "sum up" --each examples/alerts/pages.txt
[ $? -eq 3 ] || exit 1

printf '\nAs announced: the budget stopped seven of ten steps (exit code 3), and two notifications said so.\n'
