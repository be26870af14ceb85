//! Reading server-sent events as they arrive (WHATWG HTML §9.2.6).

/// One event of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Event {
    /// What to send as `Last-Event-ID` to go on behind it.
    pub(super) id: Option<String>,
    /// Empty for an ordinary message.
    pub(super) name: String,
    pub(super) data: String,
}

/// The bytes of a stream that are no whole event yet.
#[derive(Debug, Default)]
pub(super) struct EventReader {
    /// The end of what has arrived: a line that is not complete.
    rest: Vec<u8>,
    event: Event,
    has_data: bool,
}

impl EventReader {
    /// Takes what has arrived, and gives the events that are complete with it.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Vec<Event> {
        self.rest.extend_from_slice(bytes);
        let mut events = Vec::new();
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            events.extend(self.line(line.trim_end_matches(['\n', '\r'])));
        }
        events
    }

    fn line(&mut self, line: &str) -> Option<Event> {
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            return std::mem::take(&mut self.has_data).then_some(event);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => {
                if self.has_data {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
                self.has_data = true;
            }
            "event" => value.clone_into(&mut self.event.name),
            "id" => self.event.id = Some(value.to_owned()),
            // A comment keeps the connection alive; other fields are ignored, as the standard says.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: Option<&str>, name: &str, data: &str) -> Event {
        Event { id: id.map(str::to_owned), name: name.to_owned(), data: data.to_owned() }
    }

    #[test]
    fn events_are_the_same_however_they_are_cut() {
        let text = "id:1\ndata:{\"ä\": 1}\n\n:\n\nevent: end\r\ndata: a\r\ndata: b\r\n\r\nid:5\n\ndata\n\ndata:unfinished";
        let wanted = [event(Some("1"), "", "{\"ä\": 1}"), event(None, "end", "a\nb"), event(None, "", "")];
        for size in [1, 2, 3, 7, text.len()] {
            let mut reader = EventReader::default();
            let events: Vec<_> = text.as_bytes().chunks(size).flat_map(|bytes| reader.read(bytes)).collect();
            assert_eq!(events, wanted, "{size}");
        }
    }
}
