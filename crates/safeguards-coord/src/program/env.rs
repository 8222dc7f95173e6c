//! [`EnvPolicy`]: what environment a program has.

use std::ffi::OsString;

/// What environment a program has: some variables of the host by name, and some that are set. Nothing else,
/// so that no secret is passed on by accident.
///
/// ```
/// use safeguards_coord::EnvPolicy;
///
/// let env = EnvPolicy::default().pass(["SEARCH_KEY"]).set("MODE", "careful");
/// assert!(env.passes("PATH") && env.passes("SEARCH_KEY"));
/// assert!(!env.passes("AWS_SECRET_ACCESS_KEY"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvPolicy {
    passed: Vec<String>,
    set: Vec<(String, OsString)>,
}

impl EnvPolicy {
    /// What is passed on unless it is said otherwise.
    pub const DEFAULT: [&str; 5] = ["PATH", "HOME", "LANG", "TZ", "TMPDIR"];

    /// An environment without any variable.
    pub const fn empty() -> Self {
        Self { passed: Vec::new(), set: Vec::new() }
    }

    /// Passes these variables of the host on as well, where it has them.
    #[must_use]
    pub fn pass<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.passed.extend(names.into_iter().map(Into::into));
        self
    }

    /// Sets a variable, whatever the host has.
    #[must_use]
    pub fn set(mut self, name: impl Into<String>, value: impl Into<OsString>) -> Self {
        self.set.push((name.into(), value.into()));
        self
    }

    /// Whether the variable of this name is passed on.
    pub fn passes(&self, name: &str) -> bool {
        self.passed.iter().any(|passed| passed == name)
    }

    /// The variables with their values; where one is named twice, the later counts.
    pub(super) fn resolve(&self) -> impl Iterator<Item = (String, OsString)> + '_ {
        let passed = self.passed.iter();
        let passed = passed.filter_map(|name| Some((name.clone(), std::env::var_os(name)?)));
        passed.chain(self.set.iter().cloned())
    }
}

impl Default for EnvPolicy {
    fn default() -> Self {
        Self::empty().pass(Self::DEFAULT)
    }
}
