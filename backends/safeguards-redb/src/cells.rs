//! [`Cell`]: keys and values of tables as JSON, both ways, without a loss. [`Tables`] names all tables of the file.

use std::fmt;

use redb::{Key, TableDefinition, Value};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeOwned, Error as _},
};
use serde_json::value::RawValue;

/// A type of keys or values, and how it is written in JSON.
pub(crate) trait Cell: Value + 'static {
    /// A value that borrows from no table.
    type Owned: Serialize + DeserializeOwned;

    fn own(value: Self::SelfType<'_>) -> Self::Owned;

    fn lend(owned: &Self::Owned) -> Self::SelfType<'_>;
}

/// Looks at each table in turn.
pub(crate) trait Tables {
    type Error;

    fn table<K: Key + Cell, V: Cell>(
        &mut self,
        table: TableDefinition<'static, K, V>,
    ) -> Result<(), Self::Error>;
}

/// What a table holds as bytes. Most of it is JSON, and stands in JSON as it is, letter by letter.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Bytes {
    Json(Box<RawValue>),
    Hex(Hex),
}

/// Bytes as text.
#[derive(Debug)]
pub(crate) struct Hex(Vec<u8>);

impl Bytes {
    fn of(bytes: &[u8]) -> Self {
        let text = std::str::from_utf8(bytes).ok();
        let json = text.and_then(|text| serde_json::from_str::<Box<RawValue>>(text).ok());
        match json.filter(|json| json.get().as_bytes() == bytes) {
            Some(json) => Self::Json(json),
            None => Self::Hex(Hex(bytes.to_vec())),
        }
    }

    fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Json(json) => json.get().as_bytes(),
            Self::Hex(Hex(bytes)) => bytes,
        }
    }
}

impl fmt::Display for Hex {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let byte = |pair: &[u8; 2]| {
            let digit = |digit: u8| char::from(digit).to_digit(16).map(u8::try_from);
            let (Some(Ok(high)), Some(Ok(low))) = (digit(pair[0]), digit(pair[1])) else {
                return None;
            };
            Some(high << 4 | low)
        };
        let bytes: Option<Vec<u8>> = pairs.iter().map(byte).collect();
        bytes
            .filter(|_| rest.is_empty())
            .map(Self)
            .ok_or_else(|| D::Error::custom("expected pairs of hexadecimal digits"))
    }
}

macro_rules! plain {
    ($($plain:ty),+) => {$(
        impl Cell for $plain {
            type Owned = Self;

            fn own(value: Self) -> Self {
                value
            }

            fn lend(owned: &Self) -> Self {
                *owned
            }
        }
    )+};
}

plain!(u8, u32, u64, i64, ());

impl Cell for &'static str {
    type Owned = String;

    fn own(value: &str) -> String {
        value.to_owned()
    }

    fn lend(owned: &String) -> &str {
        owned
    }
}

impl Cell for &'static [u8] {
    type Owned = Bytes;

    fn own(value: &[u8]) -> Bytes {
        Bytes::of(value)
    }

    fn lend(owned: &Bytes) -> &[u8] {
        owned.as_bytes()
    }
}

/// A hash: bytes whose number is known.
#[derive(Debug)]
pub(crate) struct Fixed<const N: usize>([u8; N]);

impl<const N: usize> Serialize for Fixed<N> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Hex(self.0.to_vec()).serialize(to)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Fixed<N> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let Hex(bytes) = Hex::deserialize(from)?;
        let bytes = <[u8; N]>::try_from(bytes);
        bytes.map(Self).map_err(|_| D::Error::custom(format_args!("expected {N} bytes")))
    }
}

impl<const N: usize> Cell for &'static [u8; N] {
    type Owned = Fixed<N>;

    fn own(value: &[u8; N]) -> Fixed<N> {
        Fixed(*value)
    }

    fn lend(owned: &Fixed<N>) -> &[u8; N] {
        &owned.0
    }
}

impl<T: Cell> Cell for Option<T> {
    type Owned = Option<T::Owned>;

    fn own(value: Self::SelfType<'_>) -> Self::Owned {
        value.map(T::own)
    }

    fn lend(owned: &Self::Owned) -> Self::SelfType<'_> {
        owned.as_ref().map(T::lend)
    }
}

macro_rules! tuple {
    ($($part:ident $at:tt),+) => {
        impl<$($part: Cell),+> Cell for ($($part,)+) {
            type Owned = ($($part::Owned,)+);

            fn own(value: Self::SelfType<'_>) -> Self::Owned {
                ($($part::own(value.$at),)+)
            }

            fn lend(owned: &Self::Owned) -> Self::SelfType<'_> {
                ($($part::lend(&owned.$at),)+)
            }
        }
    };
}

tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
tuple!(A 0, B 1, C 2, D 3, E 4);

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<C: Cell>(value: C::SelfType<'_>, json: &str) {
        let owned = C::own(value);
        assert_eq!(serde_json::to_string(&owned).unwrap(), json);
        let again: C::Owned = serde_json::from_str(json).unwrap();
        let (one, other) = (C::lend(&owned), C::lend(&again));
        assert_eq!(C::as_bytes(&one).as_ref(), C::as_bytes(&other).as_ref());
    }

    #[test]
    fn cells_come_back_as_they_were() {
        check::<u64>(u64::MAX, "18446744073709551615");
        check::<(i64, &str)>((-1, "a \"b\""), r#"[-1,"a \"b\""]"#);
        check::<(u32, u64, Option<u64>)>((1, 2, None), "[1,2,null]");
        check::<(u8, &str, i64, &str)>((1, "", 3, "x"), r#"[1,"",3,"x"]"#);
        check::<(u64, u32, u8, u32, &str)>((1, 2, 3, 4, "x"), r#"[1,2,3,4,"x"]"#);
        check::<()>((), "null");
        check::<&[u8; 2]>(&[0, 255], r#""00ff""#);
        check::<&[u8]>(
            br#"{"b":1.50,"a":[18446744073709551616]}"#,
            r#"{"json":{"b":1.50,"a":[18446744073709551616]}}"#,
        );
        check::<&[u8]>(b"null", r#"{"json":null}"#);
        check::<&[u8]>(b"", r#"{"hex":""}"#);
        check::<&[u8]>(b" 1", r#"{"hex":"2031"}"#);
        check::<&[u8]>(&[7, 200], r#"{"hex":"07c8"}"#);
    }

    #[test]
    fn what_is_no_text_of_bytes_is_refused() {
        for text in ["\"0\"", "\"0g\"", "\"+1\"", "1"] {
            serde_json::from_str::<Hex>(text).unwrap_err();
        }
        serde_json::from_str::<Fixed<2>>("\"00\"").unwrap_err();
    }
}
