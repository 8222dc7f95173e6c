#!/bin/sh
# Runs the example team twice: once with enough money, once with a pool that runs out on purpose.
# Exits with 0 if both runs end as announced: the first succeeds (0), the second is denied (3).
cd "$(dirname "$0")/../.." || exit 1

task="${1:-which promises are made about budgets, limits and deadlines?}"

# Ends the script unless the command before it exited as announced.
expect() { # announced, actual
    [ "$2" -eq "$1" ] && return
    echo "this run was to exit with $1, and exited with $2" >&2
    exit 1
}

cargo build --package safeguards-cli || exit 1
safeguards() { cargo run --quiet --package safeguards-cli -- "$@"; }

printf '\n== A pipeline of three agents, with enough money: examples/digest/team.toml\n\n'
safeguards run examples/digest/team.toml "$task"
expect 0 $?

printf '\n== The same with a pool that runs out on purpose: examples/digest/tight.toml\n\n'
safeguards run examples/digest/tight.toml "$task"
expect 3 $?

printf '\nBoth runs ended as announced: the first succeeded, the second was stopped by its budget (exit code 3).\n'
