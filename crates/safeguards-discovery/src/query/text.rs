//! Conditions as text: what [`Condition::parse`] reads.

use std::str::FromStr;

use serde_json::Value;

use super::{
    Condition, MetadataPath, Test,
    shown::{NO_VALUES, is_sign},
};
use crate::{Bounds, InvalidField, InvalidKind};

/// What is longer is compared with none of them.
const LONGEST: usize = 100;

/// The operators, as messages list them.
const OPERATORS: [&str; 10] =
    ["=", "!=", ">=", ">", "<=", "<", "contains", "any", "exists", "absent"];

impl Condition {
    /// Reads a condition: a path, an operator, and the values that it takes.
    ///
    /// | text | holds where |
    /// | --- | --- |
    /// | `model = gpt-5`, `model != gpt-5` | it is this value; it is not, or there is none |
    /// | `limits.context_window >= 100000, < 500000` | it lies between these; also `>` and `<=`, each alone too |
    /// | `formats contains json, "a, b"` | all of these are contained |
    /// | `formats any json, xml` | at least one of these is contained |
    /// | `model exists`, `model absent` | there is a value; there is none |
    /// | `not formats contains xml` | what follows does not hold |
    ///
    /// Values are JSON where they read as JSON, and else the text itself; a list of none is `()`. A path with
    /// spaces or signs of operators in it stands in double quotes.
    ///
    /// ```
    /// use safeguards_discovery::{Condition, Test};
    ///
    /// let condition = Condition::parse("limits.context_window >= 100000")?;
    /// assert_eq!(condition.test, Test::at_least(100_000));
    ///
    /// let error = Condition::parse("formats contain json").unwrap_err();
    /// assert!(error.to_string().contains("did you mean `contains`?"));
    /// # Ok::<(), safeguards_discovery::InvalidField>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Where the path, the operator or a value cannot be read; the message says which, and what is allowed.
    pub fn parse(text: &str) -> Result<Self, InvalidField> {
        let invalid =
            |allowed: String| InvalidField::new(InvalidKind::Condition, "condition", text, allowed);
        let mut rest = text.trim();
        let mut nots = 0_usize;
        while let Some(after) = rest.strip_prefix("not").filter(|after| is_apart(after)) {
            nots = nots.saturating_add(1);
            rest = after.trim_start();
        }
        if nots >= Bounds::CONDITIONS {
            return Err(invalid(format!(
                "at most {} conditions in each other",
                Bounds::CONDITIONS
            )));
        }
        let (path, rest) = read_path(rest).map_err(invalid)?;
        let path = MetadataPath::parse(&path).map_err(|error| error.within("condition"))?;
        let mut wanted = read_test(rest.trim()).map_err(invalid)?;
        for _ in 0..nots {
            wanted = Test::not(wanted);
        }
        Ok(Self { path, test: wanted })
    }
}

/// Whether a word ends before this: `not` does in `not a = 1`, and does not in `notes = 1` and `not = 1`.
fn is_apart(after: &str) -> bool {
    let next = after.trim_start();
    next.len() < after.len() && !next.starts_with(is_sign)
}

/// The path, and what follows.
fn read_path(text: &str) -> Result<(String, &str), String> {
    if text.starts_with('"') {
        let (value, rest) = read_json(text).ok_or("the quotes around the path are not closed")?;
        let path = value.as_str().ok_or("a path stands before the operator")?;
        return Ok((path.to_owned(), rest));
    }
    let end = text.find(|letter: char| letter.is_whitespace() || is_sign(letter));
    let (path, rest) = text.split_at_checked(end.unwrap_or(text.len())).unwrap_or((text, ""));
    if path.is_empty() {
        return Err("a path stands before the operator, as in `limits.context_window >= 1`".into());
    }
    Ok((path.to_owned(), rest))
}

/// The JSON value that a text begins with, and what follows.
fn read_json(text: &str) -> Option<(Value, &str)> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let value = values.next()?.ok()?;
    Some((value, text.get(values.byte_offset()..)?))
}

fn read_test(text: &str) -> Result<Test, String> {
    let (operator, values) = split_operator(text);
    let one = |values: &str| match values {
        "" => Err(format!("a value stands after `{operator}`; the empty text is `\"\"`")),
        values => Ok(read_value(values)),
    };
    let none = |test: Test| match values {
        "" => Ok(test),
        values => Err(format!("nothing stands after `{operator}`, here `{values}`")),
    };
    match operator {
        "=" => Ok(Test::Equals(one(values)?)),
        "!=" => Ok(Test::not(Test::Equals(one(values)?))),
        ">=" | ">" | "<=" | "<" => read_range(text),
        "contains" => Ok(Test::Contains(read_values(operator, values)?)),
        "any" => Ok(Test::AnyOf(read_values(operator, values)?)),
        "exists" => none(Test::Exists),
        "absent" => none(Test::Absent),
        "" => Err(format!("an operator stands after the path: {}", OPERATORS.join(" "))),
        "not" => Err("`not` stands before the path: not formats contains xml".to_owned()),
        unknown => Err(unknown_operator(unknown)),
    }
}

/// The operator, and what follows.
fn split_operator(text: &str) -> (&str, &str) {
    let is_sign_first = text.starts_with(is_sign);
    let goes_on = |letter: char| {
        if is_sign_first { is_sign(letter) } else { !letter.is_whitespace() && letter != '"' }
    };
    let end = text.find(|letter| !goes_on(letter)).unwrap_or(text.len());
    let (operator, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    (operator, rest.trim())
}

fn unknown_operator(operator: &str) -> String {
    // What other languages write.
    let meant = match operator {
        "==" | "is" => Some("="),
        "<>" | "=!" => Some("!="),
        "=>" => Some(">="),
        "=<" => Some("<="),
        "in" => Some("any"),
        _ => {
            // Comparing takes the product of both lengths.
            let compared = if operator.len() <= LONGEST { OPERATORS.as_slice() } else { &[] };
            let distances =
                compared.iter().map(|known| (strsim::osa_distance(known, operator), *known));
            let near =
                |(distance, known): &(usize, &str)| *distance <= 2 && *distance < known.len();
            distances.min().filter(near).map(|(_, known)| known)
        }
    };
    let hint = meant.map(|meant| format!("did you mean `{meant}`? ")).unwrap_or_default();
    let listed = OPERATORS.join(" ");
    format!("there is no operator `{operator}`; {hint}there are: {listed}, and `not` before all")
}

/// A value alone: JSON, or the text itself.
fn read_value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}

/// Values with commas between them.
fn read_values(operator: &str, text: &str) -> Result<Vec<Value>, String> {
    if text == NO_VALUES {
        return Ok(Vec::new());
    }
    let mut values = Vec::new();
    let mut rest = text;
    loop {
        let (value, after) = read_listed(rest)
            .ok_or_else(|| format!("a value is missing after `{operator}` or a comma; the empty text is `\"\"`, no values are `{NO_VALUES}`"))?;
        values.push(value);
        let Some(next) = after.strip_prefix(',') else { return Ok(values) };
        rest = next;
    }
}

/// The value that a list begins with, and what follows: nothing, or a comma and more.
fn read_listed(text: &str) -> Option<(Value, &str)> {
    let text = text.trim_start();
    if let Some((value, rest)) = read_json(text) {
        let rest = rest.trim_start();
        if rest.is_empty() || rest.starts_with(',') {
            return Some((value, rest));
        }
    }
    let end = text.find(',').unwrap_or(text.len());
    let (bare, rest) = text.split_at_checked(end)?;
    let bare = bare.trim_end();
    (!bare.is_empty()).then(|| (Value::from(bare), rest))
}

/// Bounds with commas between them: `>= 1, < 5`.
fn read_range(text: &str) -> Result<Test, String> {
    let (mut from, mut above, mut to, mut below) = (None, None, None, None);
    let mut rest = text;
    loop {
        let (operator, values) = split_operator(rest.trim_start());
        let slot = match operator {
            ">=" => &mut from,
            ">" => &mut above,
            "<=" => &mut to,
            "<" => &mut below,
            other => {
                return Err(format!("in a range, one of >= > <= < stands here, not `{other}`"));
            }
        };
        let (value, after) = read_listed(values).ok_or_else(|| {
            format!("a value stands after `{operator}`; the empty text is `\"\"`")
        })?;
        if slot.replace(value).is_some() {
            return Err(format!("`{operator}` stands there twice"));
        }
        let Some(next) = after.strip_prefix(',') else {
            return Ok(Test::Range { from, above, to, below });
        };
        rest = next;
    }
}

impl FromStr for Condition {
    type Err = InvalidField;

    fn from_str(text: &str) -> Result<Self, InvalidField> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::Order;

    #[track_caller]
    fn check(given: &str, path: &str, test: Test) {
        let expected = Condition::new(MetadataPath::parse(path).unwrap(), test);
        assert_eq!(Condition::parse(given).unwrap(), expected, "{given}");
    }

    #[track_caller]
    fn check_wrong(text: &str, parts: &[&str]) {
        let error = Condition::parse(text).unwrap_err();
        let told = error.to_string();
        assert!(parts.iter().all(|part| told.contains(part)), "{told}");
    }

    #[test]
    fn conditions_are_read() {
        check("a.b >= 100000", "a.b", Test::at_least(100_000));
        check("a>=1", "a", Test::at_least(1));
        check("a = b c ", "a", Test::equals("b c"));
        check("a = \"3\"", "a", Test::equals("3"));
        check("a = 3", "a", Test::equals(3));
        check("a = true", "a", Test::equals(true));
        check("a = [1, 2]", "a", Test::equals(json!([1, 2])));
        check("a = b, c", "a", Test::equals("b, c"));
        check("a != null", "a", Test::not(Test::equals(Value::Null)));
        check(
            "a contains x, y z,\"p, q\" , 4",
            "a",
            Test::contains(json!(["x", "y z", "p, q", 4])),
        );
        check("a contains [1, 2], {}", "a", Test::contains(json!([[1, 2], {}])));
        check("a contains 3 apples", "a", Test::contains(json!(["3 apples"])));
        check("a any ()", "a", Test::any_of(json!([])));
        check("a exists", "a", Test::Exists);
        check("not not a absent", "a", Test::not(Test::not(Test::Absent)));
        check("not = 1", "not", Test::equals(1));
        check("notes = 1", "notes", Test::equals(1));
        check("\"my key.b\" = 1", "my key.b", Test::equals(1));
        check(r"gpt-4\.1 = 1", r"gpt-4\.1", Test::equals(1));
        check("not \"not\" exists", "not", Test::not(Test::Exists));
        let both =
            Test::Range { from: Some(json!("a")), above: None, to: None, below: Some(json!(5.5)) };
        check("a >= a, < 5.5", "a", both);
    }

    #[test]
    fn what_is_no_condition_is_told() {
        check_wrong("a contain x", &["`contain`", "did you mean `contains`?", "absent"]);
        check_wrong("a == 1", &["`==`", "did you mean `=`?"]);
        check_wrong("a => 1", &["did you mean `>=`?"]);
        check_wrong("a resembles x", &["no operator `resembles`; there are: = != >= > <= <"]);
        check_wrong("a not contains x", &["`not` stands before the path"]);
        check_wrong("a", &["an operator stands after the path"]);
        check_wrong("", &["a path stands before the operator"]);
        check_wrong("= 3", &["a path stands before the operator"]);
        check_wrong("a =", &["a value stands after `=`"]);
        check_wrong("a contains", &["a value is missing after `contains`"]);
        check_wrong("a contains x,", &["a value is missing"]);
        check_wrong("a contains x,,y", &["a value is missing"]);
        check_wrong("a exists x", &["nothing stands after `exists`"]);
        check_wrong("a >= 1, 5", &["in a range"]);
        check_wrong("a >= 1, >= 5", &["`>=` stands there twice"]);
        check_wrong("a..b = 1", &["condition.path", "single dots"]);
        check_wrong("\"a = 1", &["not closed"]);
        check_wrong(&format!("{}a exists", "not ".repeat(256)), &["at most 256"]);
    }

    #[test]
    fn an_operator_that_json_does_not_know_is_told_with_those_that_it_knows() {
        let read = serde_json::from_str::<Condition>;
        let error = read(r#"{"path":"a","test":{"includes":["x"]}}"#).unwrap_err().to_string();
        assert!(error.contains("`includes`") && error.contains("`contains`, `equals`"), "{error}");
        let error = read(r#"{"path":"a","test":{"range":{"from":1,"til":2}}}"#).unwrap_err();
        assert!(error.to_string().contains("unknown field `til`"), "{error}");
        let condition = Condition::parse("not a contains 1").unwrap();
        let json = json!({"path": "a", "test": {"not": {"contains": [1]}}});
        assert_eq!(serde_json::to_value(&condition).unwrap(), json);
        assert_eq!(serde_json::from_value::<Condition>(json).unwrap(), condition);
    }

    /// What the page says of text and JSON is so.
    #[test]
    fn the_reference_is_right() {
        let page = include_str!("../../../../docs/reference/queries.md");
        let row = |line: &'static str| -> Option<(&str, Value)> {
            let mut cells = line.strip_prefix("| `")?.split(" | ");
            let texts = cells.next()?.trim_matches('`');
            let json = cells.next()?.trim_matches('`');
            let last = texts.rsplit_once("`, `").map_or(texts, |(_, last)| last);
            Some((last, serde_json::from_str(json).unwrap()))
        };
        let (conditions, rest) = page.split_once("## Orders").unwrap();
        let conditions: Vec<_> = conditions.lines().filter_map(row).collect();
        assert_eq!(conditions.len(), 9);
        for (text, json) in conditions {
            let condition = Condition::parse(text).unwrap();
            assert_eq!(serde_json::from_value::<Test>(json).unwrap(), condition.test, "{text}");
        }
        let orders: Vec<_> = rest.lines().filter_map(row).collect();
        assert_eq!(orders.len(), 7);
        for (text, json) in orders {
            let order: Order = text.parse().unwrap();
            assert_eq!(serde_json::from_value::<Order>(json).unwrap(), order, "{text}");
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-1_000_i32..1_000)
                .prop_map(|whole| serde_json::from_str(&format!("{whole}.125")).unwrap()),
            "[a-z.,=\" ()\\-é\n]{0,8}".prop_map(Value::from),
            prop::sample::select(vec!["null", "true", "12", "()", "not", "exists"])
                .prop_map(Value::from),
        ];
        leaf.prop_recursive(2, 8, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::hash_map("[a-c]{1,2}", inner, 0..3)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    fn test() -> impl Strategy<Value = Test> {
        let values = || prop::collection::vec(value(), 0..4);
        let bound = || prop::option::of(value());
        let simple = prop_oneof![
            values().prop_map(Test::Contains),
            values().prop_map(Test::AnyOf),
            value().prop_map(Test::Equals),
            (bound(), bound(), bound(), value()).prop_map(|(from, above, to, below)| {
                Test::Range { from, above, to, below: Some(below) }
            }),
            Just(Test::Exists),
            Just(Test::Absent),
        ];
        (simple, 0..4).prop_map(|(test, nots)| (0..nots).fold(test, |test, _| Test::not(test)))
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            keys in prop::collection::vec("[a-z.=!<>\"\\\\ not\n]{1,6}", 1..4),
            test in test(),
        ) {
            let condition = Condition::new(MetadataPath::of(keys), test);
            let text = condition.to_string();
            prop_assert_eq!(Condition::parse(&text).map_err(|e| e.to_string()), Ok(condition), "{}", text);
        }

        #[test]
        fn whatever_is_given_is_read_or_refused(text in "\\PC{0,40}|[a-c=<>!\", ]{0,20}") {
            if let Ok(condition) = Condition::parse(&text) {
                prop_assert_eq!(Condition::parse(&condition.to_string()).unwrap(), condition);
            }
        }
    }
}
