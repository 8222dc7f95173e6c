# Sums up: the first sentences of the best paragraphs, with where they stand.
. ./agent.sh

field input > "$task_file.best"
progress "writing the digest"
{
    printf 'What the documents say about "%s":\n' "$(field task)"
    head -5 "$task_file.best" | awk -F '\t' '
        {
            text = $4
            sub(/^([-*]|[0-9]+[.])[[:space:]]+/, "", text)
            gsub(/[*`]/, "", text)
            end = match(text, /[.] [[:upper:]]/)
            if (end > 60) text = substr(text, 1, end)
            if (length(text) > 200) text = substr(text, 1, 197) "..."
            printf "- %s (%s)\n", text, $3
        }'
} > "$task_file.digest"
finish "$task_file.best" "$task_file.digest"
