//! Events as the chats take them.

use super::text::{Mood, Words};
use crate::model::time::Timestamp;
use serde_json::json;

/// Most characters of the description of an embed, as Discord takes it.
const LONGEST_DESCRIPTION: usize = 4096;

/// A mark that nobody sees.
const NOTHING: &str = "\u{200b}";

/// What others have written, in which nobody is called (`@channel`, which Mattermost takes in plain text) and no text leads
/// elsewhere than it says (`[text](url)`, `[text][1]` and `[1]: url`, of Mattermost and of the embeds of Discord).
fn disarmed(text: &str) -> String {
    let text = text.replace('@', &format!("@{NOTHING}"));
    ['(', '[', ':']
        .iter()
        .fold(text, |text, after| text.replace(&format!("]{after}"), &format!("]{NOTHING}{after}")))
}

/// For Slack's incoming webhooks. `&`, `<` and `>` are all that its text gives a meaning to between brackets.
pub(super) fn slack(words: &Words) -> String {
    let escaped = |text: &str| disarmed(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
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
    let description: String = disarmed(&words.lines.join("\n")).chars().take(LONGEST_DESCRIPTION).collect();
    let embed = json!({
        "title": disarmed(&words.headline).chars().take(256).collect::<String>(),
        "description": description,
        "url": words.url,
        "color": colour,
        "timestamp": at,
    });
    json!({ "embeds": [embed], "allowed_mentions": { "parse": [] } }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_have_written_calls_nobody_and_hides_no_address() {
        let words = Words {
            headline: "shop: deployment failed".to_owned(),
            lines: vec![
                "push by ada: @here at 1a2b3c4".to_owned(),
                "@channel [log](https://evil.example) ![](https://evil.example/x.png) [log][1]".to_owned(),
                "[1]: https://evil.example".to_owned(),
                "`npm run build[all]` failed.".to_owned(),
            ],
            url: None,
            mood: Mood::Bad,
        };
        for body in [slack(&words), discord(&words, crate::model::time::now())] {
            for live in ["@here", "@channel", "](", "][", "]:"] {
                assert!(!body.contains(live), "{live}: {body}");
            }
            assert!(body.contains("`npm run build[all]` failed."), "{body}");
        }
    }
}
