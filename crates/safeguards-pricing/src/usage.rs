//! [`Usage`]: the tokens that one call to a model took.

use serde::{Deserialize, Serialize};

/// The tokens that one call to a model took, as its provider counts them.
///
/// Input is all input: what was read from a cache and what was written to one are parts of it, and the
/// two do not overlap.
///
/// ```
/// use safeguards_pricing::Usage;
///
/// let usage = Usage::new(9_800, 2_610).cached(4_096);
/// assert_eq!(usage.plain_input_tokens()?, 5_704);
/// # Ok::<(), safeguards_pricing::UsageError>(())
/// ```
///
/// In JSON an object with these keys and no others; the two of the cache may be left out:
///
/// ```
/// # use safeguards_pricing::Usage;
/// let usage: Usage = serde_json::from_str(r#"{"input_tokens":9800,"output_tokens":2610}"#)?;
/// assert_eq!(usage, Usage::new(9_800, 2_610));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Given")]
#[non_exhaustive]
pub struct Usage {
    /// All input tokens, cached ones included.
    pub input_tokens: u64,
    /// Output tokens, those of hidden reasoning included.
    pub output_tokens: u64,
    /// How many of the input tokens were read from the provider's cache.
    pub cached_input_tokens: u64,
    /// How many of the input tokens were written to the provider's cache.
    pub cache_write_tokens: u64,
}

/// The parts of a [`Usage`]'s input are larger than the input.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{cached_input_tokens} cached input tokens and {cache_write_tokens} cache write tokens are more than \
     the {input_tokens} input tokens that they are part of"
)]
#[non_exhaustive]
pub struct UsageError {
    /// All input tokens.
    pub input_tokens: u64,
    /// How many of them are said to be read from a cache.
    pub cached_input_tokens: u64,
    /// How many of them are said to be written to a cache.
    pub cache_write_tokens: u64,
}

/// The JSON form, before its parts are compared.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename = "Usage")]
#[expect(clippy::struct_field_names, reason = "they are the keys in JSON")]
struct Given {
    input_tokens: u64,
    output_tokens: u64,
    #[serde(default)]
    cached_input_tokens: u64,
    #[serde(default)]
    cache_write_tokens: u64,
}

impl Usage {
    /// So many input and output tokens, no cache involved.
    pub const fn new(input_tokens: u64, output_tokens: u64) -> Self {
        Self { input_tokens, output_tokens, cached_input_tokens: 0, cache_write_tokens: 0 }
    }

    /// Says how many of the input tokens were read from a cache.
    #[must_use]
    pub const fn cached(mut self, tokens: u64) -> Self {
        self.cached_input_tokens = tokens;
        self
    }

    /// Says how many of the input tokens were written to a cache.
    #[must_use]
    pub const fn cache_write(mut self, tokens: u64) -> Self {
        self.cache_write_tokens = tokens;
        self
    }

    /// The input tokens that no cache was involved in.
    ///
    /// # Errors
    ///
    /// The parts are larger than the input. Pricing such a usage is refused with the same error.
    pub fn plain_input_tokens(&self) -> Result<u64, UsageError> {
        self.input_tokens
            .checked_sub(self.cached_input_tokens)
            .and_then(|rest| rest.checked_sub(self.cache_write_tokens))
            .ok_or(UsageError {
                input_tokens: self.input_tokens,
                cached_input_tokens: self.cached_input_tokens,
                cache_write_tokens: self.cache_write_tokens,
            })
    }
}

impl TryFrom<Given> for Usage {
    type Error = UsageError;

    fn try_from(given: Given) -> Result<Self, UsageError> {
        let Given { input_tokens, output_tokens, cached_input_tokens, cache_write_tokens } = given;
        let usage = Self { input_tokens, output_tokens, cached_input_tokens, cache_write_tokens };
        usage.plain_input_tokens()?;
        Ok(usage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, expected: Result<Usage, &str>) {
        match (serde_json::from_str::<Usage>(json), expected) {
            (Ok(usage), Ok(expected)) => assert_eq!(usage, expected, "{json}"),
            (Err(error), Err(part)) => {
                assert!(error.to_string().contains(part), "{json}: {error}");
            }
            (got, expected) => panic!("{json}: {got:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn json_has_these_keys_and_no_others() {
        check(
            r#"{"input_tokens":7,"output_tokens":2,"cached_input_tokens":3,"cache_write_tokens":4}"#,
            Ok(Usage::new(7, 2).cached(3).cache_write(4)),
        );
        check(r#"{"input_tokens":7,"output_tokens":2}"#, Ok(Usage::new(7, 2)));
        check(r#"{"input_tokens":7}"#, Err("output_tokens"));
        check(
            r#"{"input_tokens":7,"output_tokens":2,"prompt_tokens":7}"#,
            Err("unknown field `prompt_tokens`, expected one of `input_tokens`"),
        );
        check(
            r#"{"input_tokens":-7,"output_tokens":2}"#,
            Err("invalid value: integer `-7`, expected u64"),
        );
        check(r#"{"input_tokens":7,"output_tokens":2.5}"#, Err("expected u64"));
    }

    #[test]
    fn json_names_every_part() {
        assert_eq!(
            serde_json::to_string(&Usage::new(9_800, 2_610)).unwrap(),
            r#"{"input_tokens":9800,"output_tokens":2610,"cached_input_tokens":0,"cache_write_tokens":0}"#
        );
    }

    #[test]
    fn parts_larger_than_the_input_are_refused_by_their_numbers() {
        check(
            r#"{"input_tokens":7,"output_tokens":2,"cached_input_tokens":5,"cache_write_tokens":3}"#,
            Err("5 cached input tokens and 3 cache write tokens are more than the 7 input tokens"),
        );
        let endless = Usage::new(1, 0).cached(u64::MAX).cache_write(u64::MAX);
        assert!(endless.plain_input_tokens().is_err());
    }
}
