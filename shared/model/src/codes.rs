//! Enums whose values have stable codes.

/// Defines an enum with a stable code for each value: `ALL`, `as_str`, `parse` and `FromStr`. Codes are stored in SQL and in the audit log, so they
/// never change; their names in JSON are those of `serde`'s attributes.
#[macro_export]
macro_rules! codes {
    ($(#[$attribute:meta])* $visibility:vis enum $name:ident { $($(#[$note:meta])* $value:ident = $code:literal,)+ }) => {
        $(#[$attribute])*
        $visibility enum $name {
            $($(#[$note])* $value,)+
        }

        impl $name {
            /// Every value, in order.
            pub const ALL: [Self; [$($code),+].len()] = [$(Self::$value),+];

            /// The stable code.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$value => $code,)+
                }
            }

            /// The value of a stable code; `None`: unknown.
            #[must_use]
            pub fn parse(code: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|value| value.as_str() == code)
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            /// The value of a stable code; the error lists the known ones.
            fn from_str(code: &str) -> Result<Self, String> {
                let known = || Self::ALL.map(Self::as_str).join(", ");
                Self::parse(code).ok_or_else(|| format!("expected one of {}", known()))
            }
        }
    };
}
