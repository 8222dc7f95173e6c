//! [`ModelName`]: a model, and who serves it.

use std::{borrow::Cow, fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize, Serializer};

/// A model and who serves it: `provider/model`, or a bare `model` of no provider in particular.
///
/// What stands before the first `/` is the provider. Cheap to clone; ordered by provider, then model.
///
/// ```
/// use safeguards_pricing::ModelName;
///
/// let name = ModelName::parse("openai/gpt-4o")?;
/// assert_eq!((name.provider(), name.model()), (Some("openai"), "gpt-4o"));
/// assert_eq!(ModelName::parse("small-8b")?.provider(), None);
/// # Ok::<(), safeguards_pricing::ModelNameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "Cow<'_, str>")]
pub struct ModelName {
    provider: Option<Arc<str>>,
    model: Arc<str>,
}

/// A text that is no [`ModelName`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no model name; write \"model\" or \"provider/model\", without blanks around either"
)]
#[non_exhaustive]
pub struct ModelNameError {
    /// What was given.
    pub text: String,
}

impl ModelName {
    /// Reads `model` or `provider/model`.
    ///
    /// # Errors
    ///
    /// A part is empty or has blanks around it.
    pub fn parse(text: &str) -> Result<Self, ModelNameError> {
        let (provider, model) = split(text);
        let is_name = |part: &str| !part.is_empty() && part.trim() == part;
        if !is_name(model) || !provider.is_none_or(is_name) {
            return Err(ModelNameError { text: text.to_owned() });
        }
        Ok(Self { provider: provider.map(Arc::from), model: Arc::from(model) })
    }

    /// Who serves it, where that is said.
    pub fn provider(&self) -> Option<&str> {
        self.provider.as_deref()
    }

    /// The model alone.
    pub fn model(&self) -> &str {
        &self.model
    }

    pub(crate) fn shared_model(&self) -> Arc<str> {
        Arc::clone(&self.model)
    }
}

/// The provider, where one is named, and the model.
pub(crate) fn split(text: &str) -> (Option<&str>, &str) {
    match text.split_once('/') {
        Some((provider, model)) => (Some(provider), model),
        None => (None, text),
    }
}

impl FromStr for ModelName {
    type Err = ModelNameError;

    fn from_str(text: &str) -> Result<Self, ModelNameError> {
        Self::parse(text)
    }
}

impl TryFrom<Cow<'_, str>> for ModelName {
    type Error = ModelNameError;

    fn try_from(text: Cow<'_, str>) -> Result<Self, ModelNameError> {
        Self::parse(&text)
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.provider() {
            Some(provider) => write!(out, "{provider}/{}", self.model),
            None => out.write_str(&self.model),
        }
    }
}

impl Serialize for ModelName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(Option<&str>, &str)>) {
        let name = ModelName::parse(text).ok();
        let parts = name.as_ref().map(|name| (name.provider(), name.model()));
        assert_eq!(parts, expected, "{text}");
        if let Some(name) = &name {
            assert_eq!(name.to_string(), text);
        }
    }

    #[test]
    fn the_provider_stands_before_the_first_slash() {
        check("small-8b", Some((None, "small-8b")));
        check("openai/gpt-4o", Some((Some("openai"), "gpt-4o")));
        check("router/meta/llama", Some((Some("router"), "meta/llama")));
        for text in ["", "/", "openai/", "/gpt-4o", " gpt-4o", "openai/ gpt-4o"] {
            check(text, None);
        }
    }
}
