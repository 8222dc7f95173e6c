//! Which versions a range contains, as Cargo's book has it.

use safeguards_discovery::{Version, VersionReq};

/// Three numbers of a version.
type Core = [u64; 3];

/// Whether all that the range says holds of this version. A pre-release is contained only where the range names one
/// of the same three numbers.
pub(super) fn contains(range: &VersionReq, version: &Version) -> bool {
    let parts: Vec<Part> = range.to_string().split(", ").filter_map(Part::read).collect();
    let core = [version.major, version.minor, version.patch];
    let names_it = |part: &Part| part.is_pre && Some(core) == part.core();
    parts.iter().all(|part| part.allows(core, version))
        && (version.pre.is_empty() || parts.iter().any(names_it))
}

/// One of the parts of a range that commas stand between, such as `>=1.2`.
struct Part {
    operator: String,
    numbers: Vec<u64>,
    least: Option<Version>,
    is_pre: bool,
}

impl Part {
    /// None where it says nothing: `*`.
    fn read(text: &str) -> Option<Self> {
        let digits = text.find(|char: char| char.is_ascii_digit())?;
        let (operator, version) = text.split_at_checked(digits)?;
        let (core, pre) = version.split_once('-').unwrap_or((version, ""));
        let numbers: Vec<u64> = core.split('.').filter_map(|part| part.parse().ok()).collect();
        let filled = |place: usize| numbers.get(place).copied().unwrap_or_default();
        let mut least = Version::new(filled(0), filled(1), filled(2));
        least.pre = pre.parse().ok()?;
        let operator = if core.ends_with('*') { "=" } else { operator.trim() };
        let (operator, is_pre) = (operator.to_owned(), !pre.is_empty());
        Some(Self { operator, numbers, least: Some(least), is_pre })
    }

    fn core(&self) -> Option<Core> {
        self.numbers.as_slice().try_into().ok()
    }

    /// The three numbers above all that begin with the first `kept` of these.
    fn after(&self, kept: usize) -> Core {
        let mut next = [0; 3];
        for (place, number) in self.numbers.iter().take(kept).enumerate() {
            if let Some(slot) = next.get_mut(place) {
                let is_last = place.saturating_add(1) == kept;
                *slot = number.saturating_add(u64::from(is_last));
            }
        }
        next
    }

    fn allows(&self, core: Core, version: &Version) -> bool {
        let Some(least) = &self.least else { return false };
        let given = self.numbers.len();
        // What is built of it counts for nothing.
        let mut version = version.clone();
        version.build = Version::new(0, 0, 0).build;
        let version = &version;
        match (self.operator.as_str(), given) {
            ("=", 3) => version == least,
            (">", 3) => version > least,
            ("<=", 3) => version <= least,
            ("<", 3) => version < least,
            (">=", _) => version >= least,
            (">", _) => core >= self.after(given) && version.pre.is_empty(),
            ("<=", _) => core < self.after(given),
            ("<", _) => core < [least.major, least.minor, least.patch],
            ("=", _) => version >= least && core < self.after(given),
            ("~", _) => version >= least && core < self.after(given.min(2)),
            // A caret lets all change that stands right of the first number that is not 0.
            _ => {
                let first = self.numbers.iter().position(|number| *number > 0);
                let kept = first.map_or(given, |place| place.saturating_add(1));
                version >= least && core < self.after(kept)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_cargo_reads_them() {
        let ranges = [
            "*",
            "1",
            "^1.2",
            "^1.2.3",
            "^0.2.3",
            "^0.0.3",
            "^0.0",
            "^0",
            "~1",
            "~1.2",
            "~1.2.3",
            "1.*",
            "1.2.*",
            "=1",
            "=1.2",
            "=1.2.3",
            ">1",
            ">1.2",
            ">1.2.3",
            ">=1",
            ">=1.2.3",
            "<1",
            "<1.2",
            "<1.2.3",
            "<=1",
            "<=1.2",
            "<=1.2.3",
            ">=1.2, <3",
            "^1.2.3-beta.1",
            ">=2.0.0-alpha, <2.0.0",
            "=1.2.3-beta.1",
            "<=2.0.0-beta",
            ">1.2.3-alpha",
        ];
        let versions = [
            "0.0.0",
            "0.0.3",
            "0.0.4",
            "0.1.0",
            "0.2.2",
            "0.2.3",
            "0.2.9",
            "0.3.0",
            "1.0.0",
            "1.1.9",
            "1.2.0",
            "1.2.2",
            "1.2.3",
            "1.2.3-alpha",
            "1.2.3-beta.1",
            "1.2.3-beta.2",
            "1.2.4",
            "1.2.4-alpha",
            "1.3.0",
            "1.9.9",
            "2.0.0-alpha",
            "2.0.0-beta",
            "2.0.0",
            "2.0.1",
            "3.0.0",
            "1.2.3+build.5",
            "3.0.0-rc.1",
        ];
        for range in ranges {
            let range = VersionReq::parse(range).unwrap();
            for version in versions {
                let version = Version::parse(version).unwrap();
                // A test may hold it against the reading that it replaces.
                assert_eq!(
                    contains(&range, &version),
                    range.matches(&version),
                    "{version} in {range}"
                );
            }
        }
    }
}
