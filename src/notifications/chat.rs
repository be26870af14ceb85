//! Events as the chats take them.

use super::text::{Mood, Words};
use crate::model::time::Timestamp;
use serde_json::json;

/// Most characters of the description of an embed, as Discord takes it.
const LONGEST_DESCRIPTION: usize = 4096;

/// For Slack's incoming webhooks. `&`, `<` and `>` are all that its text gives a meaning to between brackets.
pub(super) fn slack(words: &Words) -> String {
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let mut text = format!("*{}*", escaped(&words.headline));
    for line in &words.lines {
        text.push('\n');
        text.push_str(&escaped(line));
    }
    if let Some(url) = &words.url {
        text.push_str(&format!("\n<{url}>"));
    }
    json!({ "text": text }).to_string()
}

/// For Discord's webhooks. Nobody is called by what stands in it.
pub(super) fn discord(words: &Words, at: Timestamp) -> String {
    let colour = match words.mood {
        Mood::Good => 0x002e_a043,
        Mood::Bad => 0x00da_3633,
        Mood::Neither => 0x006e_7681,
    };
    let description: String = words.lines.join("\n").chars().take(LONGEST_DESCRIPTION).collect();
    let embed = json!({
        "title": words.headline.chars().take(256).collect::<String>(),
        "description": description,
        "url": words.url,
        "color": colour,
        "timestamp": at,
    });
    json!({ "embeds": [embed], "allowed_mentions": { "parse": [] } }).to_string()
}
