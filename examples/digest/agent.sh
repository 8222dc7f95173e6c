# What the agents of this folder share. Sourced, not run.
#
# An agent is any program: it reads its task as one JSON object on standard input, and writes JSON lines to
# standard output, the last of which is its result. Standard error is its log.

task_file=$(mktemp)
trap 'rm -f "$task_file" "$task_file".*' EXIT
cat > "$task_file"

# Prints the string value of a key of the task.
field() { awk -f json.awk -v mode=field -v name="$1" "$task_file"; }

# Prints standard input as one JSON string.
quote() { awk -f json.awk -v mode=quote; }

# Tells how far the work has come.
progress() { printf '{"progress":%s}\n' "$(printf '%s' "$1" | quote)"; }

# The words that the task is about: those of four letters and more, one a line, without regard to case.
topics() { field task | tr -cs '[:alpha:]' '\n' | tr '[:upper:]' '[:lower:]' | awk 'length($0) > 3' | sort -u; }

# Ends the work: the output, and what a model would have counted for reading and writing that much.
# Words stand in for tokens, since no model is called; the price table turns them into an exact cost.
finish() { # file read, file written
    printf '{"output":%s,"usage":{"model":"gpt-4o-mini","input_tokens":%d,"output_tokens":%d}}\n' \
        "$(quote < "$2")" "$(wc -w < "$1")" "$(wc -w < "$2")"
}
