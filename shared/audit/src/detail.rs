//! Details of an entry: numbers, booleans and redacted text only, so that no unexpected content gets into the audit log.

use serde::Serialize;
use uuid::Uuid;

use crate::Text;

/// The value of a detail. JSON, bytes and structures are not accepted: they could hold anything.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Detail(Kind);

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
enum Kind {
    Absent,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(Text),
}

impl Detail {
    /// Nothing to record: not printed.
    pub(crate) fn is_absent(&self) -> bool {
        // JSON cannot represent NaN and infinity.
        matches!(self.0, Kind::Absent) || matches!(self.0, Kind::Float(value) if !value.is_finite())
    }
}

impl<T: Into<Self>> From<Option<T>> for Detail {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self(Kind::Absent), Into::into)
    }
}

impl From<bool> for Detail {
    fn from(value: bool) -> Self {
        Self(Kind::Bool(value))
    }
}

impl From<f64> for Detail {
    fn from(value: f64) -> Self {
        Self(Kind::Float(value))
    }
}

impl From<Text> for Detail {
    fn from(value: Text) -> Self {
        Self(Kind::Text(value))
    }
}

impl From<&str> for Detail {
    fn from(value: &str) -> Self {
        Text::new(value).into()
    }
}

impl From<String> for Detail {
    fn from(value: String) -> Self {
        Text::from(value).into()
    }
}

impl From<Uuid> for Detail {
    fn from(value: Uuid) -> Self {
        Text::from(value.to_string()).into()
    }
}

impl From<usize> for Detail {
    fn from(value: usize) -> Self {
        Self(Kind::Unsigned(value as u64))
    }
}

macro_rules! numbers {
    ($($kind:ident: $($number:ty),+;)+) => {$($(
        impl From<$number> for Detail {
            fn from(value: $number) -> Self {
                Self(Kind::$kind(value.into()))
            }
        }
    )+)+};
}

numbers! {
    Unsigned: u8, u16, u32, u64;
    Signed: i8, i16, i32, i64;
}
