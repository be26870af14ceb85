//! What a route answers, as the document says it.

use super::JSON;
use super::description::Shown;
use super::part::Part;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Content, ContentBuilder, Ref, Response, ResponseBuilder};

pub(super) fn json(part: &Part) -> Content {
    Content::new(Some(part.reference()))
}

fn text() -> ContentBuilder {
    ContentBuilder::new().schema(Some(ObjectBuilder::new().schema_type(Type::String)))
}

pub(super) fn success(answer: &Shown) -> (String, Response) {
    let response = ResponseBuilder::new().description("Done");
    match answer {
        Shown::One(status, part) => (status.to_string(), response.content(JSON, json(part)).build()),
        Shown::Readiness(part) | Shown::Applied(part) => {
            ("200".to_owned(), response.content(JSON, json(part)).build())
        }
        Shown::List(part) => {
            ("200".to_owned(), response.content(JSON, Content::new(Some(part.list()))).build())
        }
        Shown::Nothing => ("204".to_owned(), response.build()),
        Shown::ListOrText(part) => {
            let lines = Content::new(Some(part.list()));
            ("200".to_owned(), response.content(JSON, lines).content("text/plain", text().build()).build())
        }
        Shown::Log(part) => {
            let response = response
                .content(JSON, Content::new(Some(part.list())))
                .content("text/plain", text().build())
                .content("text/event-stream", text().build());
            ("200".to_owned(), response.build())
        }
        Shown::Socket => {
            let response = ResponseBuilder::new().description("A WebSocket (RFC 6455)");
            ("101".to_owned(), response.build())
        }
        Shown::Document => {
            let any = ObjectBuilder::new().schema_type(Type::Object);
            ("200".to_owned(), response.content(JSON, Content::new(Some(any))).build())
        }
        Shown::Page => {
            let text = ObjectBuilder::new().schema_type(Type::String);
            ("200".to_owned(), response.content("text/html", Content::new(Some(text))).build())
        }
    }
}

pub(super) fn failure() -> Response {
    let body = Content::new(Some(Ref::from_schema_name("ErrorBody")));
    ResponseBuilder::new().description("A failure, by its code").content(JSON, body).build()
}
