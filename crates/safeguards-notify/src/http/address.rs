//! [`AddressRange`]: the addresses that are no place on the public internet.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// What makes an address no public one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressRange {
    /// The machine itself.
    Loopback,
    /// A private network, or a unique local address.
    Private,
    /// The same wire; machines in clouds ask here for their credentials.
    LinkLocal,
    /// Shared behind a carrier's address translation.
    Shared,
    /// No address in particular.
    Unspecified,
    /// Many machines at once, or all of them.
    Multicast,
    /// Set aside for examples.
    Documentation,
    /// Set aside for measurements.
    Benchmarking,
    /// A tunnel whose other end is written in the address.
    Tunnel,
    /// Set aside for anything else, or for later.
    Reserved,
}

use AddressRange::{
    Benchmarking, Documentation, LinkLocal, Loopback, Multicast, Private, Reserved, Shared, Tunnel,
    Unspecified,
};

impl AddressRange {
    /// The range that `address` is in; `None` where it is a public address.
    ///
    /// An IPv4 address inside one of IPv6 (mapped, or behind NAT64) counts as what it is itself.
    pub(crate) fn of(address: IpAddr) -> Option<Self> {
        match address {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => of_v6(address),
        }
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Loopback => "loopback",
            Private => "private",
            LinkLocal => "link-local",
            Shared => "shared by a carrier",
            Unspecified => "unspecified",
            Multicast => "multicast",
            Documentation => "for documentation",
            Benchmarking => "for benchmarks",
            Tunnel => "a tunnel",
            Reserved => "reserved",
        })
    }
}

/// IANA's registry of special addresses, with multicast; the first that fits counts.
const V4: [(Ipv4Addr, u32, AddressRange); 16] = [
    (Ipv4Addr::UNSPECIFIED, 32, Unspecified),
    (Ipv4Addr::UNSPECIFIED, 8, Reserved),
    (Ipv4Addr::new(10, 0, 0, 0), 8, Private),
    (Ipv4Addr::new(100, 64, 0, 0), 10, Shared),
    (Ipv4Addr::new(127, 0, 0, 0), 8, Loopback),
    (Ipv4Addr::new(169, 254, 0, 0), 16, LinkLocal),
    (Ipv4Addr::new(172, 16, 0, 0), 12, Private),
    (Ipv4Addr::new(192, 0, 0, 0), 24, Reserved),
    (Ipv4Addr::new(192, 0, 2, 0), 24, Documentation),
    (Ipv4Addr::new(192, 88, 99, 0), 24, Tunnel),
    (Ipv4Addr::new(192, 168, 0, 0), 16, Private),
    (Ipv4Addr::new(198, 18, 0, 0), 15, Benchmarking),
    (Ipv4Addr::new(198, 51, 100, 0), 24, Documentation),
    (Ipv4Addr::new(203, 0, 113, 0), 24, Documentation),
    (Ipv4Addr::new(224, 0, 0, 0), 4, Multicast),
    (Ipv4Addr::new(240, 0, 0, 0), 4, Reserved),
];

/// The same for IPv6. What is in none of these and outside `2000::/3` is not given out yet.
const V6: [(Ipv6Addr, u32, AddressRange); 12] = [
    (Ipv6Addr::UNSPECIFIED, 128, Unspecified),
    (Ipv6Addr::LOCALHOST, 128, Loopback),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 32, Tunnel),
    (Ipv6Addr::new(0x2001, 2, 0, 0, 0, 0, 0, 0), 48, Benchmarking),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, Reserved),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, Documentation),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, Tunnel),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, Documentation),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, Private),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10, LinkLocal),
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10, Private),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8, Multicast),
];

/// Where a network without IPv4 finds the IPv4 internet: the last four bytes are the address there.
const NAT64: Ipv6Addr = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0);
/// What is given out to be reached by everybody.
const GLOBAL: Ipv6Addr = Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0);

fn of_v4(address: Ipv4Addr) -> Option<AddressRange> {
    let fits = |network: Ipv4Addr, bits: u32| {
        let differing = address.to_bits() ^ network.to_bits();
        differing.leading_zeros() >= bits
    };
    let known = V4.iter().find(|(network, bits, _)| fits(*network, *bits));
    known.map(|(_, _, range)| *range)
}

fn of_v6(address: Ipv6Addr) -> Option<AddressRange> {
    let fits = |network: Ipv6Addr, bits: u32| {
        let differing = address.to_bits() ^ network.to_bits();
        differing.leading_zeros() >= bits
    };
    if let Some(mapped) = address.to_ipv4_mapped() {
        return of_v4(mapped);
    }
    if fits(NAT64, 96) {
        let [.., a, b, c, d] = address.octets();
        return of_v4(Ipv4Addr::new(a, b, c, d));
    }
    let known = V6.iter().find(|(network, bits, _)| fits(*network, *bits));
    known.map(|(_, _, range)| *range).or_else(|| (!fits(GLOBAL, 3)).then_some(Reserved))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(addresses: &[&str], expected: Option<AddressRange>) {
        for text in addresses {
            let address: IpAddr = text.parse().unwrap();
            assert_eq!(AddressRange::of(address), expected, "{text}");
        }
    }

    #[test]
    fn public_addresses_are_in_no_range() {
        check(&["1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0"], None);
        check(&["126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0"], None);
        check(&["172.15.255.255", "172.32.0.0", "192.0.1.0", "192.0.3.0", "192.167.0.1"], None);
        check(&["192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255"], None);
        check(&["2000::1", "2001:200::1", "2606:4700::1111", "2003::1", "3fff:1000::1"], None);
        check(&["::ffff:1.1.1.1", "64:ff9b::1.1.1.1"], None);
    }

    #[test]
    fn all_others_are_named() {
        check(&["127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1"], Some(Loopback));
        check(&["10.0.0.1", "172.16.0.0", "172.31.255.255", "192.168.255.255"], Some(Private));
        check(&["fc00::1", "fdff::1", "fec0::1", "::ffff:10.1.2.3"], Some(Private));
        check(&["64:ff9b::10.1.2.3", "64:ff9b::c0a8:1"], Some(Private));
        check(&["169.254.169.254", "fe80::1", "febf::1"], Some(LinkLocal));
        check(&["::ffff:169.254.169.254", "64:ff9b::169.254.169.254"], Some(LinkLocal));
        check(&["100.64.0.0", "100.127.255.255"], Some(Shared));
        check(&["0.0.0.0", "::", "::ffff:0.0.0.0"], Some(Unspecified));
        check(&["224.0.0.1", "239.255.255.255", "ff02::1"], Some(Multicast));
        check(&["192.0.2.1", "198.51.100.9", "203.0.113.9"], Some(Documentation));
        check(&["2001:db8::1", "3fff::1"], Some(Documentation));
        check(&["198.18.0.0", "198.19.255.255", "2001:2::1"], Some(Benchmarking));
        check(&["192.88.99.1", "2001::1", "2002:a00:1::1", "2002:101:101::1"], Some(Tunnel));
        check(&["0.0.0.1", "192.0.0.8", "240.0.0.1", "255.255.255.255"], Some(Reserved));
        // Compatible with IPv4 as once meant, discarded, NAT64 of one's own, not given out.
        check(&["::1.1.1.1", "100::1", "64:ff9b:1::1.1.1.1", "4000::1"], Some(Reserved));
        check(&["2001:20::1", "5f00::1"], Some(Reserved));
    }

    proptest! {
        /// The standard library knows some of the ranges; what it knows must not pass for public.
        #[test]
        fn what_the_standard_library_knows_is_refused(bits in any::<u32>(), low in any::<u8>()) {
            for address in [Ipv4Addr::from_bits(bits), Ipv4Addr::new(low, 0, 0, 1)] {
                let known = address.is_private() || address.is_loopback() || address.is_link_local()
                    || address.is_broadcast() || address.is_documentation()
                    || address.is_unspecified() || address.is_multicast();
                let range = AddressRange::of(address.into());
                prop_assert!(!known || range.is_some(), "{}", address);
                prop_assert_eq!(AddressRange::of(address.to_ipv6_mapped().into()), range);
            }
        }
    }
}
