//! [`command`]: the command that was given, with another value of one option, to be typed into a shell.

/// The command of these arguments, with this option in place of where it stood before.
pub(super) fn command(args: impl IntoIterator<Item = String>, option: &str, value: &str) -> String {
    let mut words = vec!["safeguards".to_owned()];
    let mut args = args.into_iter().skip(1);
    while let Some(arg) = args.next() {
        if arg == option {
            args.next();
        } else if arg.strip_prefix(option).is_none_or(|rest| !rest.starts_with('=')) {
            words.push(quoted(&arg));
        }
    }
    // Joined by `=`, so that nothing before takes it for one more value of its own.
    words.push(format!("{option}={}", quoted(value)));
    words.join(" ")
}

/// A word as a POSIX shell reads it.
fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:=,@%+".contains(letter);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_option_is_replaced_and_the_rest_is_quoted() {
        #[track_caller]
        fn check(args: &[&str], expected: &str) {
            let args = ["/bin/safeguards"].iter().chain(args).map(ToString::to_string);
            assert_eq!(command(args, "--after", "best:-5:a b"), expected);
        }
        check(&["agents", "find"], "safeguards agents find --after='best:-5:a b'");
        check(
            &["agents", "find", "--after", "x", "--where", "a >= 1", "--after=y"],
            "safeguards agents find --where 'a >= 1' --after='best:-5:a b'",
        );
        check(&["--tag", "", "it's"], r"safeguards --tag '' 'it'\''s' --after='best:-5:a b'");
    }
}
