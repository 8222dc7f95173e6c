# Collects from the project's documents every paragraph that has a word of the task in it.
. ./agent.sh

documents=$(find ../.. -name target -prune -o -name '.?*' ! -name .. -prune -o -name '*.md' -print | sort)
topics > "$task_file.topics"
: > "$task_file.read"
: > "$task_file.found"
for document in $documents; do
    progress "reading ${document#../../}"
    cat "$document" >> "$task_file.read"
    # A paragraph, or one item of a list, becomes one line: the document, the line it begins at, its text.
    awk -v document="${document#../../}" -v topics="$task_file.topics" '
        BEGIN { while ((getline word < topics) > 0) wanted[word] = 1 }
        /^```/ { flush(); code = !code; next }
        code { next }
        /^[[:space:]]*$/ || /^[|#]/ { flush(); next }
        /^[-*] / || /^[0-9]+[.] / { flush() }
        { sub(/^[[:space:]]+/, ""); if (text == "") first = NR; text = text (text == "" ? "" : " ") $0 }
        END { flush() }
        function flush(    word, found, lower) {
            lower = tolower(text)
            for (word in wanted) if (index(lower, word)) found = 1
            gsub(/\t/, " ", text)
            if (found) printf "%s:%d\t%s\n", document, first, text
            text = ""
        }' "$document" >> "$task_file.found"
done
echo "read $(wc -w < "$task_file.read") words in $(echo "$documents" | wc -l) documents" >&2
finish "$task_file.read" "$task_file.found"
