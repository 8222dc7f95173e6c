//! What is written in a chat: escaped, and within its bound.

use crate::Notification;

/// What stands where a text was cut off.
const CUT: &str = "… (cut)";
/// Words that ring at everybody in Mattermost and Discord, which look for them in plain text, even in a word.
const LOUD: [&str; 4] = ["all", "channel", "everyone", "here"];
/// A space of no width: it takes the meaning from `@` and `](`, and cannot be seen.
const NO_SPACE: char = '\u{200b}';

/// The headline, and of a group the newest alerts that fit, with a count of the others.
pub(super) fn of(notification: &Notification, chars_max: usize) -> String {
    let headline = notification.to_string();
    if notification.count() == 1 {
        return bounded(&headline, chars_max);
    }
    // Room is kept back for the last line, and for the longest number in it.
    let last_line = |left: u64| format!("\n… and {left} more");
    let room = chars_max.saturating_sub(chars(&last_line(u64::MAX)));
    let mut text = bounded(&headline, room);
    let mut room = room.saturating_sub(chars(&text));

    let mut lines = Vec::new();
    for alert in notification.alerts().rev() {
        let line = format!("\n• {}", escape(&alert.to_string()));
        let Some(left) = room.checked_sub(chars(&line)) else {
            break;
        };
        room = left;
        lines.push(line);
    }
    let shown = u64::try_from(lines.len()).unwrap_or(u64::MAX);
    text.extend(lines.into_iter().rev());
    let left = notification.count().saturating_sub(shown);
    if left > 0 {
        text.push_str(&last_line(left));
    }
    text
}

/// `text`, escaped; where that has too many characters, its beginning and a word that says so.
pub(super) fn bounded(text: &str, chars_max: usize) -> String {
    let mut escaped = escape(text);
    if chars(&escaped) > chars_max {
        let room = chars_max.saturating_sub(chars(CUT));
        let end = escaped.char_indices().nth(room).map_or(escaped.len(), |(at, _)| at);
        escaped.truncate(end);
        // An `&` begins what stands for a character: half of that is left out.
        if let Some(at) = escaped.rfind('&')
            && !escaped.get(at..).is_some_and(|rest| rest.contains(';'))
        {
            escaped.truncate(at);
        }
        escaped.push_str(CUT);
    }
    escaped
}

fn chars(text: &str) -> usize {
    text.chars().count()
}

/// Takes the meaning from what chats read as markup for links and for ringing at people.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut rest = text.chars();
    let mut before = ' ';
    while let Some(character) = rest.next() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '@' => {
                escaped.push('@');
                // Mattermost rings at anybody by name. The `@` of a mail address rings at nobody.
                let begins_word = rest.clone().next().is_some_and(|next| !next.is_whitespace());
                if begins_word && !before.is_alphanumeric() || is_loud(rest.as_str()) {
                    escaped.push(NO_SPACE);
                }
            }
            // Mattermost and Discord make a link or an image of `[text](address)`.
            ']' if rest.as_str().starts_with('(') => {
                escaped.push(']');
                escaped.push(NO_SPACE);
            }
            _ => escaped.push(character),
        }
        before = character;
    }
    escaped
}

fn is_loud(text: &str) -> bool {
    LOUD.iter()
        .any(|word| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use safeguards_types::{OperationIds, Severity, Timestamp};

    use super::*;
    use crate::{Alert, AlertId, DeliveryId, topic};

    fn alert(message: &str) -> Alert {
        Alert::new(Severity::High, topic!("budget.denied"), message)
    }

    fn notification(message: &str) -> Notification {
        let id = AlertId::from(OperationIds::seeded(1).mint(Timestamp::UNIX_EPOCH));
        Notification::new(DeliveryId::of(id, "chat"), "chat", alert(message))
    }

    #[track_caller]
    fn check(text: &str, chars_max: usize, expected: &str) {
        let got = bounded(text, chars_max);
        assert_eq!(got, expected, "{text}");
        assert!(chars(&got) <= chars_max, "{got}");
    }

    #[test]
    fn markup_has_no_meaning() {
        check("a < b && c > d", 99, "a &lt; b &amp;&amp; c &gt; d");
        check(
            "<!channel> <https://evil.example|ok>",
            99,
            "&lt;!channel&gt; &lt;https://evil.example|ok&gt;",
        );
        check(
            "@here @Everyone: me@example.com me@here @al (@bob) @ @",
            99,
            "@\u{200b}here @\u{200b}Everyone: me@example.com me@\u{200b}here @\u{200b}al (@\u{200b}bob) @ @",
        );
        check(
            "[sign in](https://evil.example) ![p](x) a[0] (b)",
            99,
            "[sign in]\u{200b}(https://evil.example) ![p]\u{200b}(x) a[0] (b)",
        );
    }

    #[test]
    fn what_is_too_long_says_so_and_halves_nothing() {
        check("größe und mehr", 14, "größe und mehr");
        check("größe und mehr", 13, "größe … (cut)");
        check("abc&d and more", 13, "abc… (cut)");
        check("abc& and more", 15, "abc&amp;… (cut)");
        check("abc& and more", 14, "abc… (cut)");
    }

    #[test]
    fn a_group_is_its_headline_and_the_newest_alerts() {
        assert_eq!(of(&notification("no <money>"), 100), "high  budget.denied: no &lt;money&gt;");
        let group = notification("one").with_alert(alert("two")).in_group("agent", "reader");
        assert_eq!(
            of(&group, 1000),
            "high  budget.denied: 2 alerts (agent reader), the latest: two\n\
             • high  budget.denied: one\n\
             • high  budget.denied: two"
        );
        let group = group.with_more(10);
        let headline = "high  budget.denied: 12 alerts (agent reader), the latest: two";
        assert_eq!(
            of(&group, 140),
            format!("{headline}\n• high  budget.denied: two\n… and 11 more")
        );
        assert_eq!(of(&group, 100), format!("{headline}\n… and 12 more"));
    }

    proptest! {
        #[test]
        fn a_text_keeps_its_bound(
            messages in prop::collection::vec("[a-z&<>@é\n]{0,80}", 1..20), more in 0_u64..3, chars_max in 100_usize..900,
        ) {
            let mut messages = messages.iter();
            let first = notification(messages.next().unwrap()).with_more(more);
            let group = messages.fold(first, |group, message| group.with_alert(alert(message)));
            let text = of(&group, chars_max);
            prop_assert!(chars(&text) <= chars_max, "{}", chars(&text));
            let shown = text.lines().filter(|line| line.starts_with('•')).count() as u64;
            let left = text.lines().find_map(|line| line.strip_prefix("… and ")?.strip_suffix(" more")?.parse().ok());
            if group.count() > 1 {
                prop_assert_eq!(shown + left.unwrap_or(0), group.count());
            }
        }
    }
}
