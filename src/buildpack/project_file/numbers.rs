//! The numbers that keys of `gilgal.toml` may have, with their units.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};
use std::borrow::Cow;
use std::fmt;

/// What a number with a unit is asked for.
struct Quantity {
    expected: &'static str,
    /// Units by their spelling, each in the smallest unit that is kept.
    units: &'static [(&'static str, f64)],
    /// The unit of a bare number.
    bare: f64,
    least: f64,
    most: f64,
}

impl Quantity {
    fn of(&self, number: f64, unit: f64) -> Result<u32, String> {
        let value = (number * unit).round();
        if (self.least..=self.most).contains(&value) {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "within the bounds just checked"
            )]
            Ok(value as u32)
        } else {
            Err(format!("it is out of range: expected {}", self.expected))
        }
    }

    fn parse(&self, text: &str) -> Result<u32, String> {
        let text = text.trim();
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let unit = unit.trim();
        let unit = if unit.is_empty() {
            Some(self.bare)
        } else {
            self.units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)).map(|(_, size)| *size)
        };
        match (number.parse::<f64>(), unit) {
            (Ok(number), Some(unit)) => self.of(number, unit),
            _ => Err(format!("expected {}", self.expected)),
        }
    }
}

impl Visitor<'_> for &Quantity {
    type Value = u32;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.expected)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<u32, E> {
        #[expect(clippy::cast_precision_loss, reason = "a number that large is out of range anyway")]
        self.of(number as f64, self.bare).map_err(E::custom)
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<u32, E> {
        self.of(number, self.bare).map_err(E::custom)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<u32, E> {
        self.parse(text).map_err(E::custom)
    }
}

const TIME: Quantity = Quantity {
    expected: "seconds, or a text such as \"500ms\", \"5s\" or \"2m\", an hour at most",
    units: &[("ms", 1.0), ("s", 1000.0), ("m", 60_000.0), ("h", 3_600_000.0)],
    bare: 1000.0,
    least: 1.0,
    most: 3_600_000.0,
};

/// The units of a time, in milliseconds.
const SPAN: Quantity = Quantity {
    expected: "seconds, or a text such as \"30s\" or \"2m\", an hour at most, or 0 for never",
    least: 0.0,
    ..TIME
};

const LONG_TIME: Quantity = Quantity {
    expected: "seconds, or a text such as \"30s\", \"10m\" or \"2h\", from a second to a day",
    least: 1000.0,
    most: 86_400_000.0,
    ..TIME
};

const LONG_SPAN: Quantity = Quantity {
    expected: "seconds, or a text such as \"30s\", \"30m\" or \"2h\", a day at most, or 0 for never",
    least: 0.0,
    ..LONG_TIME
};

const MEMORY: Quantity = Quantity {
    expected: "MiB, or a text such as \"512M\" or \"1G\", from 16 MiB to 1 TiB",
    units: &[
        ("m", 1.0),
        ("mb", 1.0),
        ("mi", 1.0),
        ("mib", 1.0),
        ("g", 1024.0),
        ("gb", 1024.0),
        ("gi", 1024.0),
        ("gib", 1024.0),
    ],
    bare: 1.0,
    least: 16.0,
    most: 1_048_576.0,
};

const CORES: Quantity = Quantity {
    expected: "a number of cores such as 0.5 or 2, from 0.01 to 256",
    units: &[],
    bare: 1000.0,
    least: 10.0,
    most: 256_000.0,
};

macro_rules! quantities {
    ($($(#[$doc:meta])* $name:ident: $quantity:ident;)+) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq)]
            pub(crate) struct $name(pub(crate) u32);

            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    deserializer.deserialize_any(&$quantity).map(Self)
                }
            }

            impl JsonSchema for $name {
                fn schema_name() -> Cow<'static, str> {
                    stringify!($name).into()
                }

                fn inline_schema() -> bool {
                    true
                }

                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    json_schema!({ "type": ["number", "string"] })
                }
            }
        )+
    };
}

quantities! {
    /// A time, in milliseconds.
    Time: TIME;
    /// A time that may be none, in milliseconds.
    Span: SPAN;
    /// A time of up to a day, in milliseconds.
    LongTime: LONG_TIME;
    /// A time of up to a day that may be none, in milliseconds.
    LongSpan: LONG_SPAN;
    /// An amount of memory, in MiB.
    Memory: MEMORY;
    /// An amount of CPU, in thousandths of a core.
    Cores: CORES;
}

/// A number of a fixed kind, as a TOML integer.
macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident: $check:ident, $schema:tt;)+) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
            #[serde(try_from = "i64")]
            pub(crate) struct $name(pub(crate) u16);

            impl TryFrom<i64> for $name {
                type Error = String;

                fn try_from(number: i64) -> Result<Self, Self::Error> {
                    $check(number).map(Self)
                }
            }

            impl JsonSchema for $name {
                fn schema_name() -> Cow<'static, str> {
                    stringify!($name).into()
                }

                fn inline_schema() -> bool {
                    true
                }

                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    json_schema!($schema)
                }
            }
        )+
    };
}

numbers! {
    /// A TCP port.
    Port: port, { "type": "integer", "minimum": 1, "maximum": 65535 };
    /// Good answers in a row.
    Threshold: threshold, { "type": "integer", "minimum": 1, "maximum": 100 };
    /// A part that is neither none nor all.
    Percent: percent, { "type": "integer", "minimum": 1, "maximum": 99 };
    /// A number of instances.
    Count: count, { "type": "integer", "minimum": 0, "maximum": 100 };
}

fn port(number: i64) -> Result<u16, String> {
    match u16::try_from(number) {
        Ok(port) if port != 0 => Ok(port),
        _ => Err(format!("{number} is no port, use a number from 1 to 65535")),
    }
}

fn threshold(number: i64) -> Result<u16, String> {
    match count(number) {
        Ok(number) if number != 0 => Ok(number),
        Ok(_) | Err(_) => Err(format!("{number} is out of range, use a number from 1 to 100")),
    }
}

fn percent(number: i64) -> Result<u16, String> {
    match u16::try_from(number) {
        Ok(percent @ 1..=99) => Ok(percent),
        _ => Err(format!("{number} is out of range, use a number from 1 to 99")),
    }
}

fn count(number: i64) -> Result<u16, String> {
    u16::try_from(number)
        .ok()
        .filter(|count| *count <= 100)
        .ok_or_else(|| format!("{number} is out of range, use a number from 0 to 100"))
}
