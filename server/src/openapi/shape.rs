//! What goes in and comes out: JSON of a type, whose schema is derived from the type itself, or something that is no JSON.

use api_types::List;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

#[derive(Clone, Copy)]
pub(super) enum Shape {
    Nothing,
    Json(SchemaOf),
    /// An object, or nothing, of which nothing more is said.
    Object,
    /// By media type.
    Media(&'static [&'static str]),
}

pub(super) const fn json_of<T: JsonSchema>() -> Shape {
    Shape::Json(schema_of::<T>)
}

/// A page of these.
pub(super) const fn list_of<T: JsonSchema>() -> Shape {
    Shape::Json(schema_of::<List<T>>)
}

fn schema_of<T: JsonSchema>(schemas: &mut SchemaGenerator) -> Schema {
    schemas.subschema_for::<T>()
}

/// A generator whose definitions are the document's components.
pub(super) fn generator() -> SchemaGenerator {
    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = "/components/schemas".into();
    settings.meta_schema = None;
    settings.into_generator()
}

impl Shape {
    /// The `content` of a body or an answer; nothing when there is none.
    pub(super) fn content(self, schemas: &mut SchemaGenerator) -> Option<Value> {
        match self {
            Self::Nothing => None,
            Self::Object => Some(json!({ "application/json": { "schema": { "type": "object" } } })),
            Self::Json(schema) => Some(json!({ "application/json": { "schema": schema(schemas) } })),
            Self::Media(types) => {
                let types: Map<String, Value> =
                    types.iter().map(|media| ((*media).to_owned(), json!({}))).collect();
                Some(Value::Object(types))
            }
        }
    }

    /// What a person reads: the name of the type, or the media type.
    pub(super) fn name(self) -> Option<String> {
        match self {
            Self::Nothing | Self::Object => None,
            Self::Media(types) => Some(types.join(", ")),
            Self::Json(schema) => {
                let schema = schema(&mut generator()).to_value();
                schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()).map(str::to_owned)
            }
        }
    }
}
