//! [`Query::check`]: what a registry refuses before it searches.

use serde_json::Value;

use crate::{
    Bounds, Condition, InvalidField, InvalidKind, MetadataPath, Order, Query, Test, Words,
    check::{check_bytes, check_count, check_depth, check_json, check_tags, check_unit},
};

impl Query {
    /// Whether a registry answers it.
    ///
    /// # Errors
    ///
    /// The first field that cannot be used, such as `conditions[1]`: more than [`Bounds`] allow, a cursor of
    /// another order, words to order by where there are none, or a range between what has no order.
    pub fn check(&self) -> Result<(), InvalidField> {
        let Self {
            capability: _,
            version,
            conditions,
            tags,
            text,
            healthy_only: _,
            among,
            order,
            limit,
            after,
        } = self;
        if let Some(range) = version {
            let range = range.to_string();
            check_bytes(InvalidKind::VersionRange, "version", &range, Bounds::VERSION_BYTES)?;
        }
        check_conditions(conditions)?;
        check_tags(tags)?;
        if let Some(text) = text {
            check_bytes(InvalidKind::Text, "text", text, Bounds::TEXT_BYTES)?;
            if Words::of(text).is_empty() {
                let allowed = "words to search for: letters or digits";
                return Err(InvalidField::new(InvalidKind::Text, "text", text, allowed));
            }
        }
        if let Some(among) = among {
            check_count(InvalidKind::Among, "among", among.len(), Bounds::AMONG, "agents")?;
        }
        match order {
            Order::Cheapest(unit) | Order::MostBudget(unit) => {
                check_unit(InvalidKind::Order, "order", unit)?;
            }
            Order::Relevance if text.is_none() => {
                let allowed = "only with a text to search for";
                return Err(InvalidField::new(InvalidKind::Order, "order", order.name(), allowed));
            }
            Order::Best | Order::Name | Order::LeastLoaded | Order::Priority | Order::Relevance => {
            }
        }
        if let Some(limit) = limit
            && !(1..=Bounds::PAGE).contains(limit)
        {
            let allowed = format!("from 1 to {}", Bounds::PAGE);
            return Err(InvalidField::new(InvalidKind::Limit, "limit", limit, allowed));
        }
        match after {
            Some(cursor) if cursor.order() != order.name() => {
                let allowed = format!("a page of the order {}", order.name());
                Err(InvalidField::new(InvalidKind::Cursor, "after", cursor, allowed))
            }
            _ => Ok(()),
        }
    }
}

/// All conditions of a query, those inside others counted too.
fn check_conditions(conditions: &[Condition]) -> Result<(), InvalidField> {
    let mut count = 0_usize;
    for (place, condition) in conditions.iter().enumerate() {
        let field = format!("conditions[{place}]");
        check_path(&format!("{field}.path"), &condition.path)?;
        let mut test = &condition.test;
        loop {
            count = count.saturating_add(1);
            let max = Bounds::CONDITIONS;
            check_count(InvalidKind::Condition, "conditions", count, max, "conditions")?;
            match test {
                Test::Not(inner) => test = inner,
                Test::Contains(_)
                | Test::Equals(_)
                | Test::AnyOf(_)
                | Test::Range { .. }
                | Test::Exists
                | Test::Absent => break,
            }
        }
        check_test(&field, test)?;
    }
    Ok(())
}

/// A path may be made of keys without being read, so it is looked at here.
fn check_path(field: &str, path: &MetadataPath) -> Result<(), InvalidField> {
    let kind = InvalidKind::Path;
    let keys = path.keys();
    if keys.is_empty() || keys.iter().any(String::is_empty) {
        let allowed = "at least one key, and none empty";
        return Err(InvalidField::new(kind, field, path, allowed));
    }
    check_count(kind, field, keys.len(), Bounds::METADATA_DEPTH, "keys")?;
    let bytes = keys.iter().fold(0_usize, |sum, key| sum.saturating_add(key.len()));
    check_count(kind, field, bytes, Bounds::METADATA_BYTES, "bytes")
}

/// A test that is not about another one.
fn check_test(field: &str, test: &Test) -> Result<(), InvalidField> {
    let kind = InvalidKind::Condition;
    let values: Vec<&Value> = match test {
        Test::Contains(values) | Test::AnyOf(values) => values.iter().collect(),
        Test::Equals(value) => vec![value],
        Test::Range { from, above, to, below } => {
            let bounds: Vec<_> = [from, above, to, below].into_iter().flatten().collect();
            if bounds.is_empty() {
                let allowed = "a range has at least one of `from`, `above`, `to` and `below`";
                return Err(InvalidField::new(kind, field, "range", allowed));
            }
            let is_ordered = |value: &Value| value.is_number() || value.is_string();
            if let Some(bound) = bounds.iter().find(|bound| !is_ordered(bound)) {
                let allowed = "a range lies between numbers or texts";
                // What is neither may be deep, so it is not shown before its depth is known.
                check_depth(kind, field, [*bound], 0, Bounds::METADATA_DEPTH)?;
                return Err(InvalidField::new(kind, field, bound, allowed));
            }
            bounds
        }
        Test::Exists | Test::Absent | Test::Not(_) => Vec::new(),
    };
    check_depth(kind, field, values.iter().copied(), 0, Bounds::METADATA_DEPTH)?;
    check_json(kind, field, &values, Bounds::METADATA_BYTES)
}

#[cfg(test)]
mod tests {
    use safeguards_types::{AgentId, Unit};
    use serde_json::json;

    use super::*;
    use crate::Cursor;

    #[track_caller]
    fn check(query: &Query, expected: Result<(), (&str, &str)>) {
        let found = query.check();
        let told = found.as_ref().map(|&()| ()).map_err(|e| (e.code(), e.field()));
        let expected = expected.map_err(|(code, field)| (format!("discovery.{code}"), field));
        assert_eq!(told, expected.as_ref().map(|&()| ()).map_err(|(c, f)| (c.as_str(), *f)));
    }

    fn when(test: Test) -> Query {
        Query::all().when("a.b", test).unwrap()
    }

    #[test]
    fn a_page_has_between_one_and_ten_thousand() {
        check(&Query::all().limit(0), Err(("invalid_limit", "limit")));
        check(&Query::all().limit(1), Ok(()));
        check(&Query::all().limit(10_000), Ok(()));
        check(&Query::all().limit(10_001), Err(("invalid_limit", "limit")));
    }

    #[test]
    fn a_page_goes_on_in_its_own_order() {
        let cursor = |order: &Order| Cursor::new(order.name(), 3, AgentId::from("a"));
        let other = Err(("invalid_cursor", "after"));
        check(&Query::all().after(cursor(&Order::Best)), Ok(()));
        check(&Query::all().after(cursor(&Order::Name)), other);
        let usd = Order::Cheapest(Unit::USD);
        check(&Query::all().order(usd.clone()).after(cursor(&usd)), Ok(()));
        let tokens = Order::Cheapest(Unit::TOKENS);
        check(&Query::all().order(tokens).after(cursor(&usd)), other);
    }

    #[test]
    fn words_are_needed_to_order_by_them() {
        check(&Query::all().order(Order::Relevance), Err(("invalid_order", "order")));
        check(&Query::search("plots"), Ok(()));
        check(&Query::search(" – ?! "), Err(("invalid_text", "text")));
        check(&Query::search(""), Err(("invalid_text", "text")));
        check(&Query::search("x".repeat(4_097)), Err(("invalid_text", "text")));
        let nameless = Order::Cheapest(Unit::new(""));
        check(&Query::all().order(nameless), Err(("invalid_order", "order.unit")));
    }

    #[test]
    fn conditions_are_counted_and_looked_into() {
        let bad = Err(("invalid_condition", "conditions[0]"));
        let range = |from, to| Test::Range { from, above: None, to, below: None };
        check(&when(range(None, None)), bad);
        check(&when(range(Some(json!(true)), None)), bad);
        check(&when(range(Some(json!(1)), Some(json!([1])))), bad);
        check(&when(range(Some(json!(1)), Some(json!("b")))), Ok(()));
        check(&when(Test::not(range(None, None))), bad);
        check(&when(Test::contains(json!([]))), Ok(()));
        check(&when(Test::equals("x".repeat(65_536))), bad);

        let nots = |many: usize| (0..many).fold(Test::Exists, |inner, _| Test::not(inner));
        check(&when(nots(255)), Ok(()));
        check(&when(nots(256)), Err(("invalid_condition", "conditions")));
        let many = |many: usize| (0..many).fold(Query::all(), |all, _| all.with("a", 1));
        check(&many(256), Ok(()));
        check(&many(257), Err(("invalid_condition", "conditions")));

        let path = Err(("invalid_path", "conditions[0].path"));
        check(&Query::all().with("", 1), path);
        let deep = MetadataPath::of(vec!["a"; 17]);
        check(&Query::all().when(&deep.to_string()[..], Test::Exists).unwrap(), path);
    }

    #[test]
    fn the_rest_is_bounded_too() {
        check(&Query::all().tag(""), Err(("invalid_tag", "tags[0]")));
        check(&Query::all().among(vec!["a"; 65_537]), Err(("invalid_among", "among")));
        let long = format!(">=1.0.0-{}", "x".repeat(1_024));
        check(&Query::all().version(long).unwrap(), Err(("invalid_range", "version")));
    }
}
