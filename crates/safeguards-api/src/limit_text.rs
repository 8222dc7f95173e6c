//! A limit written as text, the same in team files and on the command line: `0.60 USD per day in Europe/Berlin`.

use safeguards_budget::{Limit, Window, WindowError};
use safeguards_types::{Amount, AmountError, Quantity, duration_text};

/// A text that is no [`Limit`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LimitTextError {
    /// What stands before `per` is no amount.
    #[error(transparent)]
    Amount(#[from] AmountError),
    /// It is more than a ledger takes.
    #[error("{amount} is more than {}, the largest amount taken", Quantity::AMOUNT_MAX)]
    TooLarge {
        /// What was given.
        amount: Amount,
    },
    /// What stands after `per` is no window.
    #[error(
        "`per {text}` is no window; write `per second`, `per minute`, `per hour`, whole seconds such as `per 60s` \
         or `per 5m`, or `per day`, `per week` or `per month`, with `in Europe/Berlin` for another zone than UTC"
    )]
    Window {
        /// What was given.
        text: String,
    },
    /// The window has a length or a zone that no window has.
    #[error(transparent)]
    Bounds(#[from] WindowError),
}

impl LimitTextError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Amount(_) | Self::TooLarge { .. } => "config.amount",
            Self::Window { .. } | Self::Bounds(_) => "config.window",
        }
    }
}

/// Reads `AMOUNT UNIT`, alone or followed by a window: `per 60s`, `per 5m`, `per second`, `per minute`, `per hour`,
/// or `per day`, `per week` or `per month`, these three with `in ZONE` where they shall not begin by UTC.
///
/// Without `per` the limit is for ever. Windows of seconds count from 1970-01-01T00:00:00Z. What [`Limit`] prints is read back as the same limit.
///
/// ```
/// use safeguards_api::limit_text;
///
/// assert_eq!(limit_text::parse("0.6 USD per day")?.to_string(), "0.60 USD per day in UTC");
/// assert_eq!(limit_text::parse("60 requests per 5m")?.to_string(), "60 requests per 300s");
/// assert_eq!(limit_text::parse("2 USD")?.to_string(), "2.00 USD");
/// # Ok::<(), limit_text::LimitTextError>(())
/// ```
///
/// # Errors
///
/// Says whether the amount or the window is wrong, and what is allowed.
pub fn parse(text: &str) -> Result<Limit, LimitTextError> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let at = words.iter().position(|word| *word == "per");
    let (amount, window) = words.split_at(at.unwrap_or(words.len()));
    let amount = Amount::parse(&amount.join(" "))?;
    if amount.quantity() > Quantity::AMOUNT_MAX {
        return Err(LimitTextError::TooLarge { amount });
    }
    match window {
        [] => Ok(Limit::lifetime(amount)),
        [_per, window @ ..] => Ok(Limit::new(amount, read_window(window)?)),
    }
}

fn read_window(words: &[&str]) -> Result<Window, LimitTextError> {
    let text = words.join(" ");
    Ok(match words {
        ["second"] => Window::every_seconds(1)?,
        ["minute"] => Window::every_seconds(60)?,
        ["hour"] => Window::every_seconds(3_600)?,
        ["day"] => Window::day("UTC")?,
        ["week"] => Window::week("UTC")?,
        ["month"] => Window::month("UTC")?,
        ["day", "in", zone] => Window::day(zone)?,
        ["week", "in", zone] => Window::week(zone)?,
        ["month", "in", zone] => Window::month(zone)?,
        _ => {
            let span = duration_text::parse(&text)
                .ok()
                .filter(|span| span.subsec_nanos() == 0)
                .ok_or(LimitTextError::Window { text })?;
            Window::every_seconds(span.as_secs())?
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, (&str, &str)>) {
        match (parse(text), expected) {
            (Ok(limit), Ok(printed)) => {
                assert_eq!(limit.to_string(), printed);
                assert_eq!(parse(printed), Ok(limit), "printed and read again");
            }
            (Err(error), Err((code, part))) => {
                assert_eq!(error.code(), code, "{text}");
                assert!(error.to_string().contains(part), "{text}: {error}");
            }
            (got, expected) => panic!("{text}: {got:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn a_limit_is_an_amount_and_perhaps_a_window() {
        check("1 USD", Ok("1.00 USD"));
        check("1_000_000_000_000_000 USD", Ok("1000000000000000.00 USD"));
        check("  8_000 tokens  ", Ok("8000 tokens"));
        check("0.60 USD per day in Europe/Berlin", Ok("0.60 USD per day in Europe/Berlin"));
        check("5 USD per week", Ok("5.00 USD per week in UTC"));
        check("5 USD  per month in Asia/Tokyo", Ok("5.00 USD per month in Asia/Tokyo"));
        check("60 requests per 60s", Ok("60 requests per 60s"));
        check("60 requests per minute", Ok("60 requests per 60s"));
        check("60 requests per 1h 30m", Ok("60 requests per 5400s"));
    }

    #[test]
    fn what_is_no_limit_is_refused_with_what_is_allowed() {
        check("0.6", Err(("config.amount", "a number and a unit")));
        check("per day", Err(("config.amount", "a number and a unit")));
        check("-1 USD per day", Err(("config.amount", "negative")));
        check("", Err(("config.amount", "a number and a unit")));
        let too_large = "more than 1000000000000000, the largest";
        check("1_000_000_000_000_001 USD", Err(("config.amount", too_large)));
        check("2_000_000_000_000_000 USD per day", Err(("config.amount", too_large)));
        check("1 USD per", Err(("config.window", "`per day`")));
        check("1 USD per fortnight", Err(("config.window", "`per 60s`")));
        check("1 USD per 1500ms", Err(("config.window", "whole seconds")));
        check("1 USD per day per day", Err(("config.window", "`per day`")));
        check("1 USD per day in Berlin", Err(("config.window", "time zone `Berlin`")));
        check("1 USD per 300000h", Err(("config.window", "outside 1 to 1000000000 s")));
    }
}
