//! [`Tagged`]: an object that says in one key what it is, read so that a mistake names its key and what is allowed.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{
        self, DeserializeOwned, DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess, Visitor,
        value::MapAccessDeserializer,
    },
};
use serde_json::{Map, Number, Value};

/// The key that says what an object is.
const TAG: &str = "call";
/// How much of a wrong name is shown.
const SHOWN_MAX: usize = 80;

/// An object with its tag apart. No key is given twice, at any depth.
#[derive(Debug)]
pub(crate) struct Tagged {
    tag: String,
    fields: Map<String, Value>,
}

impl Tagged {
    /// What it says that it is.
    pub(crate) fn tag(&self) -> &str {
        &self.tag
    }

    /// Reads what stands beside the tag.
    pub(crate) fn fields<T: DeserializeOwned, E: de::Error>(self) -> Result<T, E> {
        let fields = Fields { left: self.fields.into_iter(), value: None };
        let read = T::deserialize(MapAccessDeserializer::new(fields));
        read.map_err(|error| E::custom(format_args!("{}: {error}", self.tag)))
    }

    /// That it is nothing that there is.
    pub(crate) fn unknown<E: de::Error>(&self, known: &[&str]) -> E {
        let plain = self.tag.to_lowercase();
        // Comparing takes the product of both lengths, and no call's name is half as long as that.
        let compared = if plain.len() <= SHOWN_MAX { known } else { &[] };
        let near = compared.iter().map(|known| (strsim::osa_distance(known, &plain), *known)).min();
        let meant = match near {
            Some((distance, near)) if distance <= 3 => format!("did you mean `{near}`? "),
            _ => String::new(),
        };
        let shown: String = self.tag.chars().take(SHOWN_MAX).collect();
        E::custom(format_args!("no call is named `{shown}`; {meant}there are {}", known.join(", ")))
    }
}

impl<'de> Deserialize<'de> for Tagged {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let Strict(value) = Strict::deserialize(from)?;
        let Value::Object(mut fields) = value else {
            return Err(de::Error::custom("not an object, such as {\"call\": \"agents.list\"}"));
        };
        match fields.remove(TAG) {
            Some(Value::String(tag)) => Ok(Self { tag, fields }),
            Some(_) => Err(de::Error::custom("`call` is not the name of a call, as text")),
            None => Err(de::Error::missing_field(TAG)),
        }
    }
}

/// The fields of an object, of which each mistake names the key.
struct Fields {
    left: serde_json::map::IntoIter,
    /// What stands at the key that was read last.
    value: Option<(String, Value)>,
}

impl<'de> MapAccess<'de> for Fields {
    type Error = serde_json::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Self::Error> {
        let Some((key, value)) = self.left.next() else {
            return Ok(None);
        };
        self.value = Some((key.clone(), value));
        seed.deserialize(key.into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, Self::Error> {
        let (key, value) = self.value.take().unwrap_or_default();
        let read = seed.deserialize(value);
        read.map_err(|error| de::Error::custom(format_args!("`{key}`: {error}")))
    }
}

/// Any JSON in which no object has a key twice.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Any).map(Self)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((key, Strict(value))) = entries.next_entry::<String, _>()? {
            if object.contains_key(&key) {
                return Err(de::Error::custom(format_args!("`{key}` is given twice")));
            }
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

/// An enum whose variants are calls: in JSON an object with the name at `call`, and the fields beside it.
macro_rules! calls {
    (
        $(#[$doc:meta])*
        pub enum $name:ident {
            $($(#[$about:meta])* $call:literal => $variant:ident($body:ty),)+
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
        #[serde(tag = "call")]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$about])* #[serde(rename = $call)] $variant($body),)+
        }

        impl $name {
            /// The names of all calls.
            pub const CALLS: &'static [&'static str] = &[$($call),+];

            /// The name of the call, as in JSON.
            pub const fn call(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $call,)+
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let tagged = <$crate::tagged::Tagged as serde::Deserialize>::deserialize(from)?;
                match tagged.tag() {
                    $($call => tagged.fields().map(Self::$variant),)+
                    _ => Err(tagged.unknown(Self::CALLS)),
                }
            }
        }
    };
}

pub(crate) use calls;
