//! [`UrlPolicy`]: which URLs a channel may post to; [`UrlRefusal`]: why it may not.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
};

use url::{Host, Url};

use super::AddressRange;

/// Which URLs a channel may post to, and which addresses it may connect to.
#[derive(Debug, Default)]
pub(crate) struct UrlPolicy {
    /// Hosts that may be spoken to without TLS.
    http: BTreeSet<String>,
    /// Hosts whose addresses may be in any range.
    private: BTreeSet<String>,
}

/// Why a URL is not posted to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlRefusal {
    /// It is a URL of something else.
    #[error("a webhook has an `https` URL with a host")]
    NotWeb,
    /// What is sent could be read on the way.
    #[error(
        "plain `http` is not encrypted; write `https`, or allow it with `allow_http` and the host"
    )]
    PlainHttp,
    /// A name and password in the URL itself.
    #[error("the URL has user info before its host; send credentials in a header")]
    UserInfo,
    /// The host is, or its name leads to, no public address.
    #[error(
        "its address {address} is no public one ({range}); allow it with `allow_private` and the host"
    )]
    PrivateAddress {
        /// The address.
        address: IpAddr,
        /// What it is instead.
        range: AddressRange,
    },
}

impl UrlRefusal {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotWeb => "notify.url_not_web",
            Self::PlainHttp => "notify.url_plain_http",
            Self::UserInfo => "notify.url_user_info",
            Self::PrivateAddress { .. } => "notify.private_address",
        }
    }
}

impl UrlPolicy {
    /// Lets `host` be spoken to without TLS. `false` where it is no host.
    pub(crate) fn allow_http(&mut self, host: &str) -> bool {
        normal_host(host).is_some_and(|host| {
            self.http.insert(host);
            true
        })
    }

    /// Lets `host` have any address. `false` where it is no host.
    pub(crate) fn allow_private(&mut self, host: &str) -> bool {
        normal_host(host).is_some_and(|host| {
            self.private.insert(host);
            true
        })
    }

    /// Whether `url` may be posted to, as far as its text tells. Where its host is a name, the addresses
    /// that it leads to are looked at when they are known: see [`UrlPolicy::admit`].
    pub(crate) fn check(&self, url: &Url) -> Result<(), UrlRefusal> {
        let host = url.host().ok_or(UrlRefusal::NotWeb)?;
        match url.scheme() {
            "https" => {}
            "http" if self.http.contains(&normal(&host)) => {}
            "http" => return Err(UrlRefusal::PlainHttp),
            _ => return Err(UrlRefusal::NotWeb),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlRefusal::UserInfo);
        }
        match host {
            Host::Domain(_) => Ok(()),
            Host::Ipv4(address) => self.check_address(&normal(&host), address.into()),
            Host::Ipv6(address) => self.check_address(&normal(&host), address.into()),
        }
    }

    /// Those of the addresses of the host `name` that may be connected to: one or more.
    pub(crate) fn admit(
        &self,
        name: &str,
        addresses: impl IntoIterator<Item = SocketAddr>,
    ) -> Result<Vec<SocketAddr>, AdmitError> {
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        let mut refused = None;
        let mut admitted = Vec::new();
        for address in addresses {
            match self.check_address(&name, address.ip()) {
                Ok(()) => admitted.push(address),
                Err(refusal) => refused = refused.or(Some(refusal)),
            }
        }
        match refused {
            _ if !admitted.is_empty() => Ok(admitted),
            Some(refusal) => Err(AdmitError::Refused(refusal)),
            None => Err(AdmitError::NoAddress),
        }
    }

    fn check_address(&self, host: &str, address: IpAddr) -> Result<(), UrlRefusal> {
        match AddressRange::of(address) {
            Some(range) if !self.private.contains(host) => {
                Err(UrlRefusal::PrivateAddress { address, range })
            }
            _ => Ok(()),
        }
    }
}

/// Why a name leads nowhere.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdmitError {
    #[error(transparent)]
    Refused(UrlRefusal),
    #[error("the name has no address")]
    NoAddress,
}

/// A host in the form in which hosts are compared; `None` where the text is none.
fn normal_host(text: &str) -> Option<String> {
    // In a URL an address of IPv6 stands in brackets; people write it without, too.
    let host = Host::parse(text).or_else(|_| Host::parse(&format!("[{text}]"))).ok()?;
    Some(normal(&host))
}

fn normal<S: AsRef<str>>(host: &Host<S>) -> String {
    match host {
        Host::Domain(name) => {
            let name = name.as_ref();
            // The dot of the root makes no other host of it.
            name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
        }
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => address.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> UrlPolicy {
        let mut policy = UrlPolicy::default();
        for host in ["plain.example", "10.0.0.7", "::1"] {
            assert!(policy.allow_http(host));
        }
        for host in ["Home.Example.", "10.0.0.7", "[::1]"] {
            assert!(policy.allow_private(host));
        }
        policy
    }

    #[track_caller]
    fn check(url: &str, expected: Option<&str>) {
        let url = Url::parse(url).unwrap();
        let got = policy().check(&url);
        assert_eq!(got.err().map(|refusal| refusal.code()), expected, "{url}");
    }

    #[test]
    fn only_https_unless_the_host_is_named() {
        check("https://hooks.example/a", None);
        check("https://hooks.example.:8443/a", None);
        check("http://plain.example/a", None);
        check("http://PLAIN.example.:80/a", None);
        check("http://hooks.example/a", Some("notify.url_plain_http"));
        check("http://sub.plain.example/a", Some("notify.url_plain_http"));
        check("ftp://plain.example/a", Some("notify.url_not_web"));
        check("mailto:ops@plain.example", Some("notify.url_not_web"));
        check("file:///etc/passwd", Some("notify.url_not_web"));
        check("https://me@hooks.example/", Some("notify.url_user_info"));
        check("https://:secret@hooks.example/", Some("notify.url_user_info"));
    }

    #[test]
    fn addresses_in_the_url_are_looked_at_however_they_are_written() {
        for host in ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.1."] {
            check(&format!("https://{host}/"), Some("notify.private_address"));
        }
        for host in ["[::ffff:10.0.0.1]", "[fe80::1]", "[64:ff9b::a00:1]", "169.254.169.254"] {
            check(&format!("https://{host}/"), Some("notify.private_address"));
        }
        check("https://1.1.1.1/", None);
        check("https://10.0.0.7/", None);
        check("http://10.0.0.7/", None);
        check("http://[::1]:8080/", None);
        check("https://10.0.0.8/", Some("notify.private_address"));
    }

    #[track_caller]
    fn check_name(name: &str, addresses: &[&str], expected: Result<&[&str], &str>) {
        let socket = |address: &&str| SocketAddr::new(address.parse().unwrap(), 0);
        let got = policy().admit(name, addresses.iter().map(socket));
        let got = got.map(|addresses| {
            addresses.iter().map(|address| address.ip().to_string()).collect::<Vec<_>>()
        });
        let expected =
            expected.map(|addresses| addresses.iter().map(ToString::to_string).collect());
        assert_eq!(
            got.map_err(|error| error.to_string()),
            expected.map_err(str::to_owned),
            "{name}"
        );
    }

    #[test]
    fn names_lead_to_public_addresses_alone() {
        check_name("a.example", &["1.1.1.1", "2606:4700::1"], Ok(&["1.1.1.1", "2606:4700::1"]));
        check_name("a.example", &["10.0.0.1", "1.1.1.1", "::1"], Ok(&["1.1.1.1"]));
        check_name("home.example", &["10.0.0.1", "1.1.1.1"], Ok(&["10.0.0.1", "1.1.1.1"]));
        check_name("HOME.example.", &["10.0.0.1"], Ok(&["10.0.0.1"]));
        check_name(
            "plain.example",
            &["169.254.169.254", "10.0.0.1"],
            Err(
                "its address 169.254.169.254 is no public one (link-local); allow it with `allow_private` and the host",
            ),
        );
        check_name("a.example", &[], Err("the name has no address"));
    }

    #[test]
    fn what_is_no_host_cannot_be_allowed() {
        for text in ["", "https://a.example", "a b", "a.example/path", "a.example:80"] {
            assert!(!UrlPolicy::default().allow_http(text), "{text:?}");
            assert!(!UrlPolicy::default().allow_private(text), "{text:?}");
        }
    }
}
