//! [`ApiVersion`]: which version of the API, for programs that choose at run time.

use std::{fmt, str::FromStr};

/// A version of the API.
///
/// ```
/// use safeguards_api::ApiVersion;
///
/// assert_eq!("v1".parse(), Ok(ApiVersion::V1));
/// assert_eq!("latest".parse(), Ok(ApiVersion::LATEST));
/// assert_eq!(ApiVersion::LATEST.to_string(), "v2");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ApiVersion {
    /// The guide's surface: [`v1`](crate::v1).
    V1,
    /// Verbs that decide and record in one step: [`v2`](crate::v2).
    V2,
}

/// A text that is no [`ApiVersion`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no API version `{text}`; there are v1, v2 and latest")]
pub struct UnknownVersion {
    text: String,
}

impl UnknownVersion {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        "api.unknown_version"
    }
}

impl ApiVersion {
    /// The newest. Moves with releases: store the version, never the word `latest`.
    pub const LATEST: Self = Self::V2;

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
        }
    }
}

impl FromStr for ApiVersion {
    type Err = UnknownVersion;

    fn from_str(text: &str) -> Result<Self, UnknownVersion> {
        match text {
            "v1" => Ok(Self::V1),
            "v2" => Ok(Self::V2),
            "latest" => Ok(Self::LATEST),
            _ => Err(UnknownVersion { text: text.to_owned() }),
        }
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_named_exactly() {
        for version in [ApiVersion::V1, ApiVersion::V2] {
            assert_eq!(version.as_str().parse(), Ok(version));
        }
        let error = "V3".parse::<ApiVersion>().unwrap_err();
        assert_eq!(error.to_string(), "there is no API version `V3`; there are v1, v2 and latest");
    }
}
