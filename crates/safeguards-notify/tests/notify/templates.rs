//! Templates: what they show, which mistakes are named, and that no alert is lost by one.

use proptest::prelude::*;
use safeguards_notify::{Alert, AlertId, DeliveryId, Notification, Template, TemplateError, topic};
use safeguards_types::{OperationIds, Severity, Timestamp};
use serde_json::json;

fn one(alert: Alert) -> Notification {
    let at = Timestamp::parse("2026-01-05T09:00:00Z").unwrap();
    let id = AlertId::from(OperationIds::seeded(1).mint(at));
    Notification::new(DeliveryId::of(id, "ops"), "ops", alert).made_at(at)
}

fn denied(task: &str) -> Alert {
    Alert::new(Severity::High, topic!("budget.denied"), format!("no money for {task}"))
        .about("reader")
        .with("account", "pool")
}

fn group() -> Notification {
    let low = Alert::new(Severity::Low, topic!("team.note"), "ready");
    one(denied("a"))
        .with_alert(low)
        .with_alert(denied("b"))
        .with_more(309)
        .in_group("agent", "reader")
}

#[test]
fn fields_are_filled_in() {
    #[track_caller]
    fn check(template: &str, notification: &Notification, expected: &str) {
        let template =
            Template::parse(template).unwrap_or_else(|error| panic!("{template}: {error}"));
        assert_eq!(template.try_render(notification).as_deref(), Ok(expected), "{template:?}");
    }
    let single = one(denied("a"));
    check("plain words, 100 % {of} them", &single, "plain words, 100 % {of} them");
    check("{{ text }}", &single, "high  budget.denied: no money for a");
    check("{{ channel }} {{ at }} {{ severity }}", &single, "ops 2026-01-05T09:00:00Z high");
    check("{{ count }} {{ more }} {{ repeats }} {{ escalation }}", &single, "1 0 0 ");
    check("{{ latest.agent }} {{ latest.metadata.account }}", &single, "reader pool");
    check("{{ latest.key }}{{ latest.id }}{{ latest.metadata.a.b.c }}", &single, "");
    check("{{ latest.key|default('no key') }}", &single, "no key");
    check("{{ id }}", &single, &single.id().to_string());
    check(
        "{% if escalation %}again{% else %}first{% endif %}",
        &single.clone().escalated(2),
        "again",
    );
    check("{{ escalation }}", &single.escalated(2), "2");

    check("{{ count }} {{ more }} {{ group.agent }}{{ group.topic }}", &group(), "312 309 reader");
    check(
        "{% for a in alerts %}{{ a.message }};{% endfor %}",
        &group(),
        "no money for a;ready;no money for b;",
    );
    check("{% for l, v in group|items %}{{ l }}={{ v }}{% endfor %}", &group(), "agent=reader");
    check("{{ alerts|map(attribute='agent')|select|unique|join(', ') }}", &group(), "reader");
    check("{{ first.message }}, {{ latest.message }}", &group(), "no money for a, no money for b");
    check("{{ alerts|selectattr('severity', 'eq', 'high')|list|length }}", &group(), "2");
    // A tag on a line of its own leaves no line behind.
    check(
        "{% for a in alerts[:2] %}\n- {{ a.topic }}\n{% endfor %}\nend",
        &group(),
        "- budget.denied\n- team.note\nend",
    );
    check(
        "{{ {'text': text, 'to': latest.agent}|tojson }}",
        &one(denied("\"a\"")),
        r#"{"text": "high  budget.denied: no money for \"a\"", "to": "reader"}"#,
    );
}

#[test]
fn metadata_is_shown_as_its_json_has_it() {
    let alert = denied("a")
        .with("spent", json!({ "usd": 3.75, "calls": 12, "over": true, "note": null }))
        .with("list", json!(["a", "b\n"]));
    let template = "{{ latest.metadata.spent.usd }} {{ latest.metadata.spent.calls + 1 if latest.metadata.spent }} \
        {{ latest.metadata.spent.over }} [{{ latest.metadata.spent.note }}] {{ latest.metadata.list|join('+') }}";
    let template = Template::parse(template).unwrap();
    assert_eq!(template.render(&one(alert)), "3.75 13 true [] a+b\\n");
}

#[test]
fn a_mistake_is_named_with_its_line() {
    #[track_caller]
    fn check(template: &str, line: impl Into<Option<usize>>, code: &str, words: &[&str]) {
        let error = Template::parse(template).expect_err(template);
        let text = error.to_string();
        assert_eq!((error.line(), error.code()), (line.into(), code), "{template}: {text}");
        for word in words {
            assert!(text.contains(word), "{template}: {text}");
        }
        assert!(!text.contains('\n') && !text.ends_with('.'), "{text}");
    }
    let unknown = "notify.template_unknown_name";
    check(
        "{{ sevrity }}",
        1,
        unknown,
        &["line 1: there is no `sevrity`; did you mean `severity`? there are id, channel"],
    );
    check(
        "a\nb {{ latest.sevrity }}",
        2,
        unknown,
        &["line 2: an alert has no `sevrity`; did you mean `severity`?"],
    );
    check("{{ message }}", 1, unknown, &["did you mean `latest.message`?"]);
    check("{{ zebra }}", 1, unknown, &["there is no `zebra`; there are id"]);
    check("{{ alerts.message }}", 1, unknown, &["`alerts` is a list and has no `message`"]);
    check("{{ severity.name }}", 1, unknown, &["a text or number has no `name`"]);
    check("{{ latest.topic.name }}", 1, unknown, &["a text or number has no `name`"]);
    // In the order of the text, whichever is found first.
    check("{{ text }}\n{{ zebra }}\n{{ aardvark }}", 2, unknown, &["zebra"]);
    // In branches and loops.
    check("{% if severity == 'none' %}\n{{ latest.foo }}\n{% endif %}", 2, unknown, &["`foo`"]);
    check("{% if latest.topic == 'x' %}\n{{ bar }}\n{% endif %}", 2, unknown, &["`bar`"]);
    check(
        "{% for a in alerts %}\n{{ a.mesage }}\n{% endfor %}",
        2,
        unknown,
        &["did you mean `message`?"],
    );
    check(
        "{% for a in alerts|reverse %}{% if a.topic == 'x' %}\n{{ a.foo }}{% endif %}{% endfor %}",
        2,
        unknown,
        &["`foo`"],
    );
    check("{% for a in (alerts|reverse)[:3] %}\n{{ a.foo }}{% endfor %}", 2, unknown, &["`foo`"]);
    check("{% for a in alerts[:3] if a.foo %}{% endfor %}", 1, unknown, &["`foo`"]);
    check(
        "{% for a in alerts[-3:]|selectattr('agent') %}{% if a.key == 'x' %}{{ a.topic.x }}{% endif %}{% endfor %}",
        1,
        unknown,
        &["`x`"],
    );
    check("{% set it = latest %}\n{{ it.foo }}", 2, unknown, &["`foo`"]);
    check("{{ latest['foo'] }}", 1, unknown, &["`foo`"]);
    check("{% if latest.foo is defined %}{% endif %}", 1, unknown, &["`foo`"]);
    check(
        "{% for a in alerts %}{% if a.severity == 'critical' %}\n\n{% set b = a %}{{ b.foo }}{% endif %}{% endfor %}",
        3,
        unknown,
        &["`foo`"],
    );
    check("{{ loop.index }}", 1, unknown, &["there is no `loop`"]);
    check("{{ debug() }}", 1, unknown, &["there is no `debug`"]);
    // Words of the engine.
    check("{{ text|uper }}", 1, unknown, &["there is no filter `uper`; did you mean `upper`?"]);
    check(
        "{% if severity == 'x' %}\n{{ text|frobnicate }}{% endif %}",
        2,
        unknown,
        &["there is no filter `frobnicate`; there are abs"],
    );
    check("{% filter shout %}a{% endfilter %}", 1, unknown, &["shout"]);
    check(
        "{% if latest.agent is definde %}{% endif %}",
        1,
        unknown,
        &["there is no test `definde`; did you mean `defined`?"],
    );
    check("{% if latest.agent is not set %}{% endif %}", 1, unknown, &["there is no test `set`"]);
    check("{{ now() }}", 1, unknown, &["there is no `now`"]);

    let syntax = "notify.template_syntax";
    check("a\n{{ text", 2, syntax, &["line 2: "]);
    check("{% if text %}", 1, syntax, &["unexpected end of input"]);
    check("{% frobnicate %}", 1, syntax, &["frobnicate"]);
    check("{% include 'passwords' %}", 1, syntax, &["include"]);
    check("{% macro a() %}{% endmacro %}", 1, syntax, &["macro"]);

    let failed = "notify.template_failed";
    check("a\n{{ latest.metadata.percent + 1 }}", 2, failed, &["line 2: "]);
    check("{{ text|int }}", 1, failed, &["line 1: "]);
    check("{{ text|replace }}", 1, failed, &["line 1: "]);

    check(&"x".repeat(64 * 1024 + 1), None, "notify.template_too_long", &["65537 bytes", "65536"]);
    assert!(Template::parse(&"x".repeat(64 * 1024)).is_ok());
}

#[test]
fn names_that_a_template_gives_itself_are_its_own() {
    for template in [
        "{% set severity = latest.severity|upper %}{{ severity.foo }}",
        "{% for text in alerts %}{{ text.message }}{% endfor %}",
        "{% for a in alerts %}{% set a = {'foo': 1} %}{{ a.foo }}{% endfor %}",
        "{% for a in alerts|map(attribute='metadata') %}{{ a.foo }}{% endfor %}",
        "{% for a in [group] %}{{ a.foo }}{% endfor %}",
        "{% with it = latest %}{{ it.message }}{% endwith %}",
        "{% for i in range(3) %}{{ i }}{{ loop.index }}{{ loop.last }}{% endfor %}",
        "{# {{ sevrity|shout }} #}{% raw %}{{ sevrity|shout }}{% endraw %}",
        "{{ '{{ sevrity|shout }} is wrong' }}",
        "{{ latest.metadata.is }}{{ group['is'] }}{{ 'a' if latest.agent is none }}",
        "{{ dict(foo=1).foo }}{{ latest.metadata|tojson }}{{ alerts|tojson|length }}",
        "{% if latest.metadata.percent %}{{ latest.metadata.percent|float > 90 }}{% endif %}",
        "",
    ] {
        if let Err(error) = Template::parse(template) {
            panic!("{template}: {error}");
        }
    }
}

#[test]
fn work_and_text_are_bounded() {
    #[track_caller]
    fn check(template: &str, expected: &TemplateError) {
        assert_eq!(Template::parse(template).unwrap_err(), *expected, "{template}");
    }
    let range = "{% for a in range(9999) %}";
    let loops = format!("{}x{}", range.repeat(3), "{% endfor %}".repeat(3));
    check(&loops, &TemplateError::TooMuchWork);
    check(&loops.replace('x', ""), &TemplateError::TooMuchWork);
    check("{{ 'a' * 300000 }}", &TemplateError::OutputTooLong);
    check("{{ 'a' * 3000000000 }}", &TemplateError::TooMuchWork);
    check("{% for a in range(9999) %}{{ text }}{% endfor %}", &TemplateError::OutputTooLong);
    let endless = "{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}";
    assert_eq!(Template::parse(endless).unwrap_err().code(), "notify.template_failed");
    let deep = format!("{{{{ {}1{} }}}}", "(".repeat(30_000), ")".repeat(30_000));
    assert_eq!(Template::parse(&deep).unwrap_err().code(), "notify.template_syntax");
}

#[test]
fn nothing_that_is_read_ends_the_program() {
    #[track_caller]
    fn check(template: &str, code: &str, words: &str) {
        let error = Template::parse(template).expect_err(template);
        let text = error.to_string();
        assert!(error.code() == code && text.contains(words), "{template:.60}: {text}");
    }
    let unknown = "notify.template_unknown_name";
    let itself = "{% set ns = namespace(x=1) %}{% set ns.x = ns %}{{ ns }}";
    check(itself, unknown, "there is no `namespace`");
    let syntax = "notify.template_syntax";
    for operators in ["not ".repeat(5000) + "1", "1".to_owned() + &"+1".repeat(5000)] {
        check(&format!("\n{{{{ {operators} }}}}"), syntax, "line 2: the tag has ");
    }
    for minus in ["-", "- ", " -"] {
        check(&format!("{{{{{}1 }}}}", minus.repeat(15_000)), syntax, "words and signs");
    }
    // What looks like the end of a comment is none, and hides no tag.
    let hidden = format!("{{#}} {{{{ ' #}} {{{{ {}1 }}}}", "not ".repeat(5000));
    check(&hidden, syntax, "words and signs");
    let many = "{% elif count == 2 %}".repeat(3000);
    check(&format!("{{% if count %}}{many}{{% endif %}}"), syntax, "`elif`");

    let failed = "notify.template_failed";
    for filter in ["tojson(2000000000)", "tojson(indent=2000000000)", "tojson(-1)"] {
        check(&format!("{{{{ {{'a': 1}}|{filter} }}}}"), failed, "indents by 0 to 16 spaces");
    }
    let filter = "{{ [[1]]|map('tojson', 2000000000)|list }}";
    check(filter, failed, "indents by 0 to 16 spaces");
    let many = "{% for a in range(9999) %}{% set b = alerts|tojson %}{% endfor %}";
    assert_eq!(Template::parse(many).unwrap_err(), TemplateError::TooMuchWork);
    let pretty = Template::parse("{{ {'a': 1}|tojson(indent=1) }}").unwrap();
    assert_eq!(pretty.render(&one(denied("a"))), "{\n \"a\": 1\n}");

    // As long as may be.
    for longest in ["not ".repeat(490) + "1", "1".to_owned() + &"+1".repeat(240)] {
        Template::parse(&format!("{{{{ {longest} }}}}")).unwrap();
    }
    let many = "{% elif count == 2 %}".repeat(490);
    Template::parse(&format!("{{% if count %}}{many}{{% endif %}}")).unwrap();
}

#[test]
fn a_template_that_fails_loses_no_alert() {
    // Only a number was thought of, and no sample has a text there.
    let template = "{% if latest.metadata.left %}{{ latest.metadata.left + 1 }}{% endif %}";
    let template = Template::parse(template).unwrap();
    assert_eq!(template.render(&one(denied("a").with("left", 2))), "3");
    let text = template.render(&one(denied("a\nb").with("left", "2")));
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], "high  budget.denied: no money for a\\nb");
    assert!(lines[1].starts_with("(plain words, since the template failed: line 1: "), "{text}");
    assert_eq!(lines.len(), 2);

    let many = group().with_alert(denied("c").with("left", "2"));
    assert!(template.try_render(&many).is_err());
    let text = template.render(&many);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], many.to_string());
    assert_eq!(lines[1], "- high  budget.denied: no money for c");
    assert_eq!(lines[4], "- high  budget.denied: no money for a");
    assert_eq!(lines[5], "... and 309 more");
    assert!(lines[6].starts_with("(plain words"), "{text}");

    // A name put together is found too late; HTML stays HTML.
    let html = Template::html(
        "{% if latest.topic == 'budget.denied' %}{{ latest['mess' ~ 'ag'] }}{% endif %}",
    );
    let text = html.unwrap().render(&one(denied("<b>")));
    assert!(text.starts_with("<pre>high  budget.denied: no money for &lt;b&gt;\n"), "{text}");
    assert!(text.contains("an alert has no `messag`") && text.ends_with(")</pre>"), "{text}");

    let html = Template::html("{{ alerts|map(attribute='message')|join('<') }}").unwrap();
    let long = (0..40).fold(group(), |group, _| group.with_alert(denied(&"<".repeat(200_000))));
    let text = html.render(&long);
    assert!(text.len() <= 256 * 1024 && text.contains("(plain words"), "{}", text.len());

    // One that would be too long is not sent in full.
    let template = Template::parse("{{ latest.message }}").unwrap();
    let text = template.render(&one(denied(&"é".repeat(200_000))));
    assert!(text.len() < 5000 && text.contains("is longer than 262144 bytes"), "{}", text.len());
}

#[test]
fn html_is_escaped_and_plain_text_is_not() {
    let alert = || one(denied("<script>'\"&"));
    let html = Template::html("<p>{{ latest.message }}</p>").unwrap().render(&alert());
    assert_eq!(html, "<p>no money for &lt;script&gt;&#x27;&quot;&amp;</p>");
    let plain = Template::parse("{{ latest.message }}").unwrap().render(&alert());
    assert_eq!(plain, "no money for <script>'\"&");
}

#[test]
fn texts_that_come_with_the_crate() {
    for template in [Template::line(), Template::subject(), Template::text()] {
        if let Err(error) = Template::parse(template.as_str()) {
            panic!("{template:?}: {error}");
        }
        assert_eq!(template.try_render(&group()).as_ref(), Ok(&template.render(&group())));
    }
    let at = Timestamp::parse("2026-01-05T09:00:00Z").unwrap();
    let sent = |alert: Alert| {
        let mut json = serde_json::to_value(alert).unwrap();
        json["at"] = json!(at.to_string());
        serde_json::from_value::<Alert>(json).unwrap()
    };
    let single = one(sent(denied("a")));
    assert_eq!(Template::line().render(&single), single.to_string());
    assert_eq!(Template::subject().render(&single), "[high] budget.denied: no money for a");
    assert_eq!(
        Template::subject().render(&group().in_group("team", "x").escalated(1)),
        "[high] budget.denied: 312 alerts (agent reader, team x) (not acknowledged, step 1)"
    );
    assert_eq!(
        Template::text().render(&single),
        "high  budget.denied: no money for a\n\n\
         high  budget.denied  2026-01-05T09:00:00Z\n  no money for a\n  agent: reader\n  account: pool\n"
    );
    let text = Template::text().render(&group());
    assert_eq!(
        text,
        "high  budget.denied: 312 alerts (agent reader), the latest: no money for b\n\n\
         high  budget.denied\n  no money for b\n  agent: reader\n  account: pool\n\n\
         low  team.note\n  ready\n\n\
         high  budget.denied\n  no money for a\n  agent: reader\n  account: pool\n\n\
         ... and 309 more\n"
    );
    let many = (0..40).fold(group(), |group, task| group.with_alert(denied(&task.to_string())));
    let text = Template::text().render(&many);
    assert_eq!(text.matches("agent: reader\n").count(), 20);
    assert!(text.contains("for 20\n") && !text.contains("for 19\n"), "{text}");
    assert!(text.ends_with("\n... and 332 more\n"), "{text}");
}

#[test]
fn what_agents_write_is_one_line_wherever_it_stands() {
    let evil = "a\r\nb\u{1b}[2J\u{2028}";
    let alert = Alert::new(Severity::High, topic!("a.b"), evil)
        .about(evil)
        .keyed(evil)
        .with(evil, json!({ evil: [evil] }));
    let notification = one(alert).in_group("agent", evil);
    let template = "{{ latest.message }}{{ latest.agent }}{{ latest.key }}{{ latest.metadata }}{{ group.agent }}{{ group }}{{ text }}{{ alerts|tojson }}";
    let text = Template::parse(template).unwrap().render(&notification);
    assert!(!text.contains(|c: char| c.is_control() || c == '\u{2028}'), "{text:?}");
    // Five in the open; ten within tables, whose own way to write text escapes once more.
    assert_eq!(text.matches("a\\r\\nb\\u{1b}[2J\\u{2028}").count(), 5, "{text}");
    assert_eq!(text.matches("a\\\\r\\\\nb\\\\u{1b}").count(), 10, "{text}");
}

proptest! {
    /// Whatever is written, reading it ends, and what was read never fails to give words.
    #[test]
    fn any_text_is_read_or_refused(pieces in prop::collection::vec(prop::sample::select(vec![
        "{{ ", " }}", "{% ", " %}", "{#", "#}", "if ", "endif", "for ", "a", " in ", "alerts", "endfor", "latest", ".",
        "message", "metadata", "|", "upper", "[", "]", "'", "\"", "\\", "is ", "not ", "defined", "(", ")", "é", "\n", "raw",
        "endraw", "set ", "=", "1", "- ", ",", ":", "{", "}",
    ]), 0..24)) {
        let text = pieces.concat();
        if let Ok(template) = Template::parse(&text) {
            let words = template.render(&group());
            prop_assert_eq!(template.render(&group()), words);
        }
    }
}
