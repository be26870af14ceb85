//! A line of JSON for each event: as `tracing_subscriber` writes it, and with what is behind an error, which that leaves out.

use serde::ser::{SerializeMap, Serializer};
use serde_json::{Map, Value};
use std::error::Error;
use std::fmt;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::{LookupSpan, Scope, SpanRef};

/// Writes `timestamp`, `level`, the fields of the event, `target`, `span` (the innermost) and `spans` (all, outermost first).
/// The fields of spans are expected as JSON.
pub(super) struct Lines;

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut timestamp = String::new();
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;
        let scope = context.event_scope().into_iter().flat_map(Scope::from_root);
        let spans: Vec<Value> = scope.map(|span| described::<S, N>(&span)).collect();
        let mut line = Vec::new();
        let mut write = || -> serde_json::Result<()> {
            let mut serializer = serde_json::Serializer::new(&mut line);
            let mut map = serializer.serialize_map(None)?;
            map.serialize_entry("timestamp", &timestamp)?;
            map.serialize_entry("level", event.metadata().level().as_str())?;
            let mut fields = Fields::default();
            event.record(&mut fields);
            for (name, value) in &fields.0 {
                map.serialize_entry(name, value)?;
            }
            map.serialize_entry("target", event.metadata().target())?;
            if let Some(innermost) = spans.last() {
                map.serialize_entry("span", innermost)?;
                map.serialize_entry("spans", &spans)?;
            }
            map.end()
        };
        write().map_err(|_| fmt::Error)?;
        writeln!(writer, "{}", String::from_utf8_lossy(&line))
    }
}

/// The fields of a span, and its name.
fn described<S, N>(span: &SpanRef<'_, S>) -> Value
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    let extensions = span.extensions();
    let fields = extensions.get::<FormattedFields<N>>().map_or("", |fields| fields.fields.as_str());
    let mut fields: Map<String, Value> = serde_json::from_str(fields).unwrap_or_default();
    fields.insert("name".to_owned(), span.name().into());
    Value::Object(fields)
}

/// The fields of an event in their order.
#[derive(Default)]
struct Fields(Vec<(String, Value)>);

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.push((field.name().to_owned(), value.into()));
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    /// The error, and what is behind it as a text has it: in `error.sources`.
    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.put(field, value.to_string());
        let mut behind: Vec<Value> = Vec::new();
        let mut next = value.source();
        while let Some(cause) = next {
            behind.push(cause.to_string().into());
            next = cause.source();
        }
        if !behind.is_empty() {
            self.0.push((format!("{}.sources", field.name()), behind.into()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::io;
    use std::sync::{Arc, Mutex};
    use tracing_subscriber::fmt::format::JsonFields;

    #[derive(Debug, thiserror::Error)]
    #[error("the images could not be removed")]
    struct Outer(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("the engine refused")]
    struct Inner(#[source] io::Error);

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_has_the_causes_of_an_error_and_every_span() {
        let written = Written::default();
        let writer = written.clone();
        let subscriber = tracing_subscriber::fmt()
            .fmt_fields(JsonFields::new())
            .event_format(Lines)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            let _request = tracing::info_span!("request", id = 7, path = "/\"x\"").entered();
            let _inner = tracing::info_span!("inner").entered();
            let error = Outer(Inner(io::Error::other("it is in use")));
            tracing::info!(project = %"shop", times = 2, is_last = true, error = &error as &dyn Error, "not\nremoved");
        });
        let bytes = written.0.lock().unwrap().clone();
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text.matches('\n').count(), 1, "{text}");
        assert!(text.starts_with(r#"{"timestamp":"20"#), "{text}");
        let mut line: Value = serde_json::from_str(&text).unwrap();
        line.as_object_mut().unwrap().remove("timestamp");
        let (request, inner) =
            (json!({ "name": "request", "id": 7, "path": "/\"x\"" }), json!({ "name": "inner" }));
        let expected = json!({
            "level": "INFO", "message": "not\nremoved", "project": "shop", "times": 2, "is_last": true,
            "error": "the images could not be removed", "error.sources": ["the engine refused", "it is in use"],
            "target": module_path!(), "span": inner, "spans": [request, inner],
        });
        assert_eq!(line, expected);
    }
}
