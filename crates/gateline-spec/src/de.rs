//! From a tree with places to the types of the model, by serde, so that the model stays the only list of its fields.
//! A fault carries the place of the innermost value that has it. Unknown fields do not end the reading.

use std::ops::Range;

use serde::de::value::{MapDeserializer, StrDeserializer};
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use crate::diagnostic::Sink;
use crate::fault::Fault;
use crate::node::{Entry, Kind, Node};

/// Reads a value of the model. `at` is where to point at when it is wrong as a whole.
pub(crate) fn read<T: DeserializeOwned>(node: &Node, at: &Range<usize>, sink: &Sink<'_>) -> Option<T> {
    match T::deserialize(Reader { node, sink }) {
        Ok(value) => Some(value),
        Err(Fault {
            code,
            message,
            help,
            span,
        }) => {
            sink.error_with(code, span.as_ref().unwrap_or(at), message, help);
            None
        }
    }
}

#[derive(Clone, Copy)]
struct Reader<'n, 's, 'a> {
    node: &'n Node,
    sink: &'s Sink<'a>,
}

impl<'n> Reader<'n, '_, '_> {
    fn expected(&self, what: &str) -> Fault {
        let fault = Fault::new(
            "value.type",
            format!("expected {what}, found {}", self.node.word()),
        );
        if what == "text" && matches!(self.node.kind, Kind::Number(_) | Kind::Bool(_)) {
            return fault.help("put it in quotes, or add its unit, as in `10s` or `10%`");
        }
        match what {
            "a list" => fault.help("write `[..]`, or a line with `- ` for each"),
            "a map" => fault.help("write `{name: value}`, or a line of `name: value` for each"),
            "a whole number" => fault.help("write digits alone, as in `4`, without quotes or a unit"),
            "`true` or `false`" => fault.help("write one of both, without quotes"),
            _ => fault,
        }
    }

    fn whole<E: From<Fault>>(&self, most: u64) -> Result<u64, E> {
        match &self.node.kind {
            Kind::Number(number) => number.as_u64().filter(|whole| *whole <= most).ok_or_else(|| {
                Fault::new(
                    "value.invalid",
                    format!("`{number}` is not a whole number from 0 to {most}"),
                )
                .into()
            }),
            _ => Err(self.expected("a whole number").into()),
        }
    }
}

impl<'de> de::Deserializer<'de> for Reader<'_, '_, '_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.node.kind {
            Kind::Null => visitor.visit_unit(),
            Kind::Bool(value) => visitor.visit_bool(*value),
            Kind::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(whole), _, _) => visitor.visit_u64(whole),
                (_, Some(whole), _) => visitor.visit_i64(whole),
                (_, _, fraction) => visitor.visit_f64(fraction.unwrap_or(f64::NAN)),
            },
            Kind::Text(text) => visitor.visit_str(text),
            Kind::List(items) => visitor.visit_seq(Items {
                items,
                sink: self.sink,
            }),
            Kind::Map(entries) => visitor.visit_map(Entries::new(entries, None, self.sink)),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.node.kind {
            Kind::Bool(value) => visitor.visit_bool(value),
            _ => Err(self.expected("`true` or `false`")),
        }
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_u64(self.whole::<Fault>(u32::MAX.into())?)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_u64(self.whole::<Fault>(u64::MAX)?)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.node.kind {
            Kind::Text(text) => visitor.visit_str(text),
            _ => Err(self.expected("text")),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.node.is_null() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.node.kind {
            Kind::List(items) => visitor.visit_seq(Items {
                items,
                sink: self.sink,
            }),
            _ => Err(self.expected("a list")),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.node.kind {
            Kind::Map(entries) => visitor.visit_map(Entries::new(entries, None, self.sink)),
            _ => Err(self.expected("a map")),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match &self.node.kind {
            Kind::Map(entries) => visitor.visit_map(Entries::new(entries, Some(fields), self.sink)),
            _ => Err(self.expected("a map")),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match &self.node.kind {
            Kind::Text(word) if variants.contains(&word.as_str()) => visitor.visit_enum(Choice {
                word,
                content: None,
                sink: self.sink,
            }),
            Kind::Text(word) => Err(de::Error::unknown_variant(word, variants)),
            Kind::Map(entries) => match &entries[..] {
                [one] if variants.contains(&one.key.as_str()) => visitor.visit_enum(Choice {
                    word: &one.key,
                    content: Some(one),
                    sink: self.sink,
                }),
                [one] => Err(<Fault as de::Error>::unknown_variant(&one.key, variants).at(&one.key_span)),
                _ => Err(Fault::new(
                    "value.choice",
                    format!("expected exactly one of {}", listed(variants)),
                )),
            },
            _ => Err(self.expected(&format!("one of {}", listed(variants)))),
        }
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u128 f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct identifier
        ignored_any
    }
}

fn listed(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    words.join(", ")
}

struct Items<'n, 's, 'a> {
    items: &'n [Node],
    sink: &'s Sink<'a>,
}

impl<'de> SeqAccess<'de> for Items<'_, '_, '_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let Some((node, rest)) = self.items.split_first() else {
            return Ok(None);
        };
        self.items = rest;
        seed.deserialize(Reader {
            node,
            sink: self.sink,
        })
        .map(Some)
        .map_err(|fault| fault.at(&node.span))
    }
}

struct Entries<'n, 's, 'a> {
    entries: std::slice::Iter<'n, Entry>,
    /// The only fields there are; others are told to the sink and left out.
    fields: Option<&'static [&'static str]>,
    value: Option<&'n Entry>,
    sink: &'s Sink<'a>,
}

impl<'n, 's, 'a> Entries<'n, 's, 'a> {
    fn new(entries: &'n [Entry], fields: Option<&'static [&'static str]>, sink: &'s Sink<'a>) -> Self {
        Self {
            entries: entries.iter(),
            fields,
            value: None,
            sink,
        }
    }
}

impl<'de> MapAccess<'de> for Entries<'_, '_, '_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        for entry in self.entries.by_ref() {
            match self.fields {
                Some(fields) if !fields.contains(&entry.key.as_str()) => {
                    let Fault {
                        code, message, help, ..
                    } = de::Error::unknown_field(&entry.key, fields);
                    self.sink.error_with(code, &entry.key_span, message, help);
                }
                // A field without a value is a field that is not given.
                Some(_) if entry.value.is_null() => {}
                Some(_) | None => {
                    self.value = Some(entry);
                    let key: StrDeserializer<'_, Fault> = entry.key.as_str().into_deserializer();
                    return seed
                        .deserialize(key)
                        .map(Some)
                        .map_err(|fault| fault.at(&entry.key_span));
                }
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let entry = self.value.take().expect("serde asks for a value after its key");
        seed.deserialize(Reader {
            node: &entry.value,
            sink: self.sink,
        })
        .map_err(|fault| fault.at(entry.at()))
    }
}

/// One word of a closed set, with its settings if it has any.
struct Choice<'n, 's, 'a> {
    word: &'n str,
    content: Option<&'n Entry>,
    sink: &'s Sink<'a>,
}

impl<'de> EnumAccess<'de> for Choice<'_, '_, '_> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Fault> {
        let word: StrDeserializer<'_, Fault> = self.word.into_deserializer();
        Ok((seed.deserialize(word)?, self))
    }
}

impl<'de> VariantAccess<'de> for Choice<'_, '_, '_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        match self.content {
            None => Ok(()),
            Some(entry) => Err(
                Fault::new("value.type", format!("expected the word `{}` alone", self.word)).at(entry.at()),
            ),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        let Some(entry) = self.content else {
            let message = format!("expected a map with the settings of `{}`", self.word);
            // Where nothing need be said, nothing is what to write.
            let empty = MapDeserializer::<_, Fault>::new(std::iter::empty::<(&str, &str)>());
            let settings = seed.deserialize(empty).map_or("{..}", |_| "{}");
            return Err(
                Fault::new("value.type", message).help(format!("write `{{{}: {settings}}}`", self.word))
            );
        };
        seed.deserialize(Reader {
            node: &entry.value,
            sink: self.sink,
        })
        .map_err(|fault| fault.at(entry.at()))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Fault> {
        Err(Fault::new(
            "value.type",
            format!("`{}` is not written as a list", self.word),
        ))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let entries = self
            .content
            .map(|entry| entry.value.entries())
            .unwrap_or_default();
        visitor.visit_map(Entries::new(entries, Some(fields), self.sink))
    }
}
