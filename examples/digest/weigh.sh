# Weighs what was collected: the more of the task's words a paragraph has, and the shorter it is, the better.
# What is too short to be a sentence is left out.
. ./agent.sh

field input > "$task_file.found"
topics > "$task_file.topics"
progress "weighing $(wc -l < "$task_file.found") paragraphs"
awk -F '\t' -v topics="$task_file.topics" '
    BEGIN { while ((getline word < topics) > 0) wanted[word] = 1 }
    length($2) >= 80 {
        hits = 0
        lower = tolower($2)
        for (word in wanted) if (index(lower, word)) hits++
        printf "%d\t%d\t%s\t%s\n", hits, length($2), $1, $2
    }' "$task_file.found" | sort -t "$(printf '\t')" -k1,1nr -k2,2n -k3,3 | head -12 > "$task_file.best"
finish "$task_file.found" "$task_file.best"
