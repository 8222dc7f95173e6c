# JSON for agents written in a POSIX shell: reads one string out of an object, and writes a string.
#
#   awk -f json.awk -v mode=field -v name=task   prints the string value of a top-level key, "" where it is none
#   awk -f json.awk -v mode=quote                prints its input as one JSON string
#
# It knows what the agents here need, and no more: keys are found at the top level of one object, and their
# values are strings. An agent in another language uses that language's JSON library.

BEGIN { if (mode == "quote") printf "\"" }

{ text = text (NR > 1 ? "\n" : "") $0 }

END {
    if (mode == "quote") print escape(text) "\""
    else printf "%s", field(text, name)
}

# The string value of a top-level key.
function field(json, name,    at, depth, letter, key, expect) {
    depth = 0
    expect = "key"
    for (at = 1; at <= length(json); at++) {
        letter = substr(json, at, 1)
        if (letter == "\"") {
            at = read_string(json, at + 1)
            if (depth == 1 && expect == "key") { key = string; expect = "value" }
            else if (depth == 1 && key == name) return string
        }
        else if (letter == "{" || letter == "[") depth++
        else if (letter == "}" || letter == "]") depth--
        else if (letter == "," && depth == 1) expect = "key"
    }
    return ""
}

# Reads a string from after its opening quote into `string`; gives the place of its closing quote.
function read_string(json, at,    letter) {
    string = ""
    for (; at <= length(json); at++) {
        letter = substr(json, at, 1)
        if (letter == "\"") break
        if (letter == "\\") {
            at++
            letter = substr(json, at, 1)
            if (letter == "n") letter = "\n"
            else if (letter == "t") letter = "\t"
            else if (letter == "r" || letter == "b" || letter == "f") letter = " "
            else if (letter == "u") { letter = "?"; at += 4 }
        }
        string = string letter
    }
    return at
}

# Control characters become spaces, but for line ends and tabs.
function escape(text) {
    gsub(/\\/, "\\\\", text)
    gsub(/"/, "\\\"", text)
    gsub(/\t/, "\\t", text)
    gsub(/\n/, "\\n", text)
    gsub(/[[:cntrl:]]/, " ", text)
    return text
}
