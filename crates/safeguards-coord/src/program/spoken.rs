//! [`Spoken`]: what a line says of its cost, however wrong the rest of the line is.

use std::fmt;

use safeguards_types::{Amount, Amounts, Quantity, Unit};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::Value;

use super::protocol::ModelUsage;
use crate::{Cost, bill::larger};

/// What a line says of its cost. The money is spent, be it that the line is refused.
///
/// A key that is there twice is read twice; of a line that is cut off, what stands before the cut.
#[derive(Debug, Default)]
pub(super) struct Spoken {
    /// All that `drawn` names.
    pub(super) drawn: Amounts,
    /// All that `cost` and `usage` name.
    pub(super) costs: Vec<Cost>,
    /// Whether there is something among it that nobody can read.
    pub(super) is_unreadable: bool,
}

impl Spoken {
    /// What `line`, one JSON object more or less, says.
    pub(super) fn in_line(line: &[u8]) -> Self {
        let mut spoken = Self::default();
        let mut json = serde_json::Deserializer::from_slice(line);
        // What was read before the line went wrong is kept.
        let _ = json.deserialize_map(Keys(&mut spoken));
        spoken
    }
}

/// Reads the keys of a line, one by one.
struct Keys<'line>(&'line mut Spoken);

impl Keys<'_> {
    fn read<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        let spoken = &mut *self.0;
        match key {
            "drawn" => {
                let Named { amounts, is_said: _, is_unreadable } = map.next_value()?;
                spoken.drawn = larger(&spoken.drawn, &amounts);
                spoken.is_unreadable |= is_unreadable;
            }
            "cost" => {
                let Named { amounts, is_said, is_unreadable } = map.next_value()?;
                spoken.costs.extend(is_said.then_some(Cost::Known(amounts)));
                spoken.is_unreadable |= is_unreadable;
            }
            "usage" => {
                let usage: Value = map.next_value()?;
                match Option::<ModelUsage>::deserialize(usage) {
                    Ok(usage) => spoken.costs.extend(usage.map(Cost::from)),
                    Err(_) => spoken.is_unreadable = true,
                }
            }
            _ => drop(map.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }
}

impl<'de> Visitor<'de> for Keys<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if let Err(error) = self.read(&key, &mut map) {
                self.0.is_unreadable |= ["drawn", "cost", "usage"].contains(&&*key);
                return Err(error);
            }
        }
        Ok(())
    }
}

/// Amounts, as far as they can be read.
struct Named {
    amounts: Amounts,
    is_said: bool,
    is_unreadable: bool,
}

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Nothing(()),
            Amounts(Pairs),
            Other(IgnoredAny),
        }
        let pairs = match Form::deserialize(deserializer)? {
            Form::Nothing(()) => {
                return Ok(Self { amounts: Amounts::none(), is_said: false, is_unreadable: false });
            }
            Form::Amounts(Pairs(pairs)) => Some(pairs),
            Form::Other(_) => None,
        };
        let is_said = pairs.is_some();
        let mut named = Self { amounts: Amounts::none(), is_said, is_unreadable: !is_said };
        for (unit, quantity) in pairs.into_iter().flatten() {
            let quantity = quantity.as_str().and_then(|text| text.parse::<Quantity>().ok());
            match quantity.filter(|quantity| *quantity <= Quantity::AMOUNT_MAX) {
                Some(quantity) => {
                    let amount = Amounts::from(Amount::new(quantity, unit));
                    named.amounts = larger(&named.amounts, &amount);
                }
                None => named.is_unreadable = true,
            }
        }
        Ok(named)
    }
}

/// The entries of an object, those of one key too.
struct Pairs(Vec<(Unit, Value)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Pairs;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(Entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is drawn, then each cost; `?` at the end where something is unreadable.
    #[track_caller]
    fn check(line: &str, expected: &str) {
        let Spoken { drawn, costs, is_unreadable } = Spoken::in_line(line.as_bytes());
        let cost = |cost: &Cost| match cost {
            Cost::Known(amounts) => amounts.to_string(),
            Cost::Usage { model, usage } => format!("{model} {}", usage.input_tokens),
            Cost::Unknown => "unknown".to_owned(),
        };
        let costs: Vec<String> = costs.iter().map(cost).collect();
        let mark = if is_unreadable { "?" } else { "" };
        assert_eq!(format!("{drawn} | {}{mark}", costs.join(" + ")), expected, "{line}");
    }

    #[test]
    fn what_can_be_read_is_read() {
        check("{}", "nothing | ");
        check(r#"{"cost":null,"drawn":null,"usage":null}"#, "nothing | ");
        check(r#"{"cost":{}}"#, "nothing | nothing");
        check(
            r#"{"x":[{"cost":{"USD":"9"}}],"cost":{"USD":"1"},"drawn":{"USD":"2"}}"#,
            "2.00 USD | 1.00 USD",
        );
        check(r#"{"cost":{"USD":"2","USD":"1"}}"#, "nothing | 2.00 USD");
        check(r#"{"cost":{"USD":"1"},"cost":{"USD":"2"}}"#, "nothing | 1.00 USD + 2.00 USD");
        check(
            r#"{"usage":{"model":"m","input_tokens":3,"output_tokens":1},"cost":{"USD":"1"}}"#,
            "nothing | m 3 + 1.00 USD",
        );
    }

    #[test]
    fn what_cannot_be_read_is_noted() {
        check(r#"{"cost":{"USD":"-1","tokens":"7"}}"#, "nothing | 7 tokens?");
        check(r#"{"cost":{"USD":0.5}}"#, "nothing | nothing?");
        check(r#"{"cost":{"USD":"1000000000000001"}}"#, "nothing | nothing?");
        check(r#"{"cost":"0.5 USD"}"#, "nothing | ?");
        check(r#"{"drawn":[1]}"#, "nothing | ?");
        check(r#"{"drawn":{"USD":"x","tokens":"7"}}"#, "7 tokens | ?");
        check(r#"{"usage":{"model":"m"}}"#, "nothing | ?");
        // Cut off: behind the money, within it, before it.
        check(r#"{"cost":{"USD":"1"},"output":"#, "nothing | 1.00 USD");
        check(r#"{"cost":{"USD":"1"#, "nothing | ?");
        check(r#"{"output":"x"#, "nothing | ");
    }
}
