//! [`Refusal`]: why there is no result, as one JSON object where JSON was asked for.

use std::error::Error;

use serde::Serialize;

/// Why there is no result.
#[derive(Debug, Serialize)]
pub(crate) struct Refusal {
    r#type: &'static str,
    code: String,
    message: String,
    exit: u8,
    /// All that is wrong with a file, where that is the reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mistakes: Vec<Placed>,
}

/// One mistake, with its place where that is known.
#[derive(Debug, Serialize)]
pub(crate) struct Placed {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) column: Option<usize>,
}

impl Refusal {
    /// The refusal for this reason.
    pub(crate) fn new(code: &str, error: &dyn Error, exit: u8, mistakes: Vec<Placed>) -> Self {
        let (code, message) = (code.to_owned(), with_causes(error));
        Self { r#type: "error", code, message, exit, mistakes }
    }

    /// One line of JSON.
    pub(crate) fn line(&self) -> String {
        // Texts and numbers are always JSON.
        serde_json::to_string(self).map(|line| format!("{line}\n")).unwrap_or_default()
    }
}

/// What went wrong, with its causes, in one line.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        message = format!("{message}: {error}");
        cause = error.source();
    }
    message
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn a_refusal_says_its_code_its_causes_and_every_mistake() {
        #[derive(Debug, thiserror::Error)]
        #[error("a.toml cannot be read")]
        struct Unreadable(#[source] io::Error);

        let error = Unreadable(io::Error::other("it is\nbroken"));
        assert_eq!(
            Refusal::new("config.unreadable", &error, 2, vec![]).line(),
            "{\"type\":\"error\",\"code\":\"config.unreadable\",\"message\":\"a.toml cannot be read: it is\\nbroken\",\"exit\":2}\n"
        );
        let placed = Placed {
            code: "config.unit",
            message: "no unit".to_owned(),
            file: Some("a.toml".to_owned()),
            line: Some(7),
            column: None,
        };
        let line = Refusal::new("config.unit", &error, 2, vec![placed]).line();
        assert!(
            line.ends_with(
                "\"mistakes\":[{\"code\":\"config.unit\",\"message\":\"no unit\",\"file\":\"a.toml\",\"line\":7}]}\n"
            ),
            "{line}"
        );
    }
}
