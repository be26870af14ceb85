//! A body of `wire` in the document.

use utoipa::ToSchema;
use utoipa::openapi::schema::{AdditionalProperties, ArrayBuilder, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr};

/// A body: its name, its schema, and those of what is in it.
#[derive(Clone)]
pub(super) struct Part {
    name: String,
    schema: RefOr<Schema>,
    inner: Vec<(String, RefOr<Schema>)>,
}

impl Part {
    pub(super) fn of<T: ToSchema>() -> Self {
        let mut inner = Vec::new();
        T::schemas(&mut inner);
        Self { name: T::name().into_owned(), schema: T::schema(), inner }
    }

    /// The body of a request: other fields than those that are named are refused, unless it says what they may be.
    pub(super) fn closed(&self) -> Self {
        let mut part = self.clone();
        if let RefOr::T(Schema::Object(object)) = &mut part.schema {
            let closed = || Box::new(AdditionalProperties::FreeForm(false));
            object.additional_properties.get_or_insert_with(closed);
        }
        part
    }

    /// Whether a body without fields would be refused.
    pub(super) fn needs_fields(&self) -> bool {
        matches!(&self.schema, RefOr::T(Schema::Object(object)) if !object.required.is_empty())
    }

    pub(super) fn reference(&self) -> Ref {
        Ref::from_schema_name(&self.name)
    }

    /// A page of a list of it.
    pub(super) fn list(&self) -> ObjectBuilder {
        let next = [Type::String, Type::Null].into_iter().collect::<SchemaType>();
        ObjectBuilder::new()
            .property("data", ArrayBuilder::new().items(self.reference()))
            .property("next", ObjectBuilder::new().schema_type(next))
            .required("data")
            .required("next")
    }

    /// Everything by its name.
    pub(super) fn into_schemas(self) -> Vec<(String, RefOr<Schema>)> {
        let mut schemas = self.inner;
        schemas.push((self.name, self.schema));
        schemas
    }
}
