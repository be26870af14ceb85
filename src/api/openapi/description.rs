//! What can be said of a route.

use super::part::Part;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

/// What the routes are grouped by.
pub(super) mod section {
    pub(in crate::api::openapi) const ACCOUNTS: &str = "accounts";
    pub(in crate::api::openapi) const KEYS: &str = "keys";
    pub(in crate::api::openapi) const PROJECTS: &str = "projects";
    pub(in crate::api::openapi) const DEPLOYMENTS: &str = "deployments";
    pub(in crate::api::openapi) const PROCESSES: &str = "processes";
    pub(in crate::api::openapi) const NOTIFICATIONS: &str = "notifications";
    pub(in crate::api::openapi) const SOURCES: &str = "sources";
    pub(in crate::api::openapi) const OPERATORS: &str = "operators";
    pub(in crate::api::openapi) const SYSTEM: &str = "system";
}

/// What a route is for, takes and gives.
pub(in crate::api) struct Description {
    pub(super) tag: &'static str,
    pub(super) summary: &'static str,
    /// Parameters of the query: name, meaning, schema.
    pub(in crate::api) query: Vec<(&'static str, &'static str, Object)>,
    /// Those of them without which the request is refused.
    pub(super) needed: Vec<&'static str>,
    pub(super) body: Option<Part>,
    /// Media types of which a body is taken as it is, in place of JSON.
    pub(super) files: &'static [&'static str],
    pub(super) answer: Shown,
}

/// The answer of a success.
pub(super) enum Shown {
    /// A resource, with a status.
    One(u16, Part),
    /// A page of a list.
    List(Part),
    /// 204.
    Nothing,
    /// A resource, with 200 where all is well and 503 where not.
    Readiness(Part),
    /// What a change has done, with 200 where that is all and 202 where a deployment brings it to the app.
    Applied(Part),
    /// The whole of a list, or the same as a text.
    ListOrText(Part),
    /// Lines, in one of three forms.
    Log(Part),
    /// A conversation over a WebSocket.
    Socket,
    /// The document itself.
    Document,
    /// A page for people.
    Page,
}

impl Shown {
    /// The bodies in it.
    pub(super) fn parts(&self) -> impl Iterator<Item = &Part> {
        match self {
            Self::One(_, part)
            | Self::List(part)
            | Self::ListOrText(part)
            | Self::Readiness(part)
            | Self::Applied(part)
            | Self::Log(part) => Some(part),
            Self::Nothing | Self::Socket | Self::Document | Self::Page => None,
        }
        .into_iter()
    }
}

pub(super) fn one<T: ToSchema>(status: u16) -> Shown {
    Shown::One(status, Part::of::<T>())
}

pub(super) fn list<T: ToSchema>() -> Shown {
    Shown::List(Part::of::<T>())
}

/// What a change answers that a deployment may have to bring to the app.
pub(super) fn applied<T: ToSchema>() -> Shown {
    Shown::Applied(Part::of::<T>())
}

pub(super) fn about(tag: &'static str, summary: &'static str, answer: Shown) -> Description {
    Description { tag, summary, query: Vec::new(), needed: Vec::new(), body: None, files: &[], answer }
}

impl Description {
    pub(super) fn takes<T: ToSchema>(self) -> Self {
        Self { body: Some(Part::of::<T>()), ..self }
    }

    /// Takes a file of one of these media types as well.
    pub(super) fn or_file(self, files: &'static [&'static str]) -> Self {
        Self { files, ..self }
    }

    /// Whether a body says anything to it.
    pub(in crate::api) const fn takes_body(&self) -> bool {
        self.body.is_some() || !self.files.is_empty()
    }

    pub(super) fn text(mut self, name: &'static str, meaning: &'static str) -> Self {
        self.query.push((name, meaning, ObjectBuilder::new().schema_type(Type::String).build()));
        self
    }

    /// One without which the request is refused.
    pub(super) fn needed(mut self, name: &'static str, meaning: &'static str) -> Self {
        self.needed.push(name);
        self.text(name, meaning)
    }

    pub(super) fn number(mut self, name: &'static str, meaning: &'static str, most: Option<u32>) -> Self {
        let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(most.map(|_| 1)).maximum(most);
        self.query.push((name, meaning, number.build()));
        self
    }

    /// `limit` and `cursor`.
    pub(super) fn paged(self) -> Self {
        self.number("limit", "Most items of the page.", Some(100))
            .text("cursor", "The `next` of the page before.")
    }
}
