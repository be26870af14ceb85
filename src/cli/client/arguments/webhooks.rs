//! What can be done to webhooks.

use crate::model::webhook::{EventKind, WebhookFormat};
use clap::Subcommand;

#[derive(Debug, Clone, Subcommand)]
pub(in crate::cli) enum WebhooksAction {
    /// List the webhooks, as without a word
    #[command(hide = true, alias = "ls")]
    List,
    /// Tell somebody what happens to the project; the secret is shown once
    #[command(alias = "create")]
    Add {
        /// URL that events are sent to; with `--format email` an address
        #[arg(value_name = "URL")]
        target: String,
        /// In which form: `json`, `slack`, `discord` or `email`
        #[arg(long, value_name = "FORMAT", default_value = "json")]
        format: WebhookFormat,
        /// Only this event, such as `deployment.failed`; can be given several times
        #[arg(long = "event", value_name = "EVENT")]
        events: Vec<EventKind>,
    },
    /// Remove a webhook, with what waits for it
    #[command(aliases = ["rm", "delete", "destroy"])]
    Remove {
        /// Webhook: its id, the end of it, or where it leads
        webhook: String,
    },
    /// Tell a webhook again that was disabled
    Enable {
        /// Webhook: its id, the end of it, or where it leads
        webhook: String,
    },
    /// Tell a webhook that this is a test
    Test {
        /// Webhook; the only one unless given
        webhook: Option<String>,
    },
    /// Show what a webhook was told, and how that went
    #[command(alias = "log")]
    Deliveries {
        /// Webhook; the only one unless given
        webhook: Option<String>,
        /// How many, newest first
        #[arg(long, short = 'n', value_name = "NUMBER", default_value_t = 15, value_parser = clap::value_parser!(u16).range(1..=100))]
        limit: u16,
    },
    /// Tell a webhook again what it was told, or was not
    Redeliver {
        /// Webhook: its id, the end of it, or where it leads
        webhook: String,
        /// Delivery: its id, or the end of it
        delivery: String,
    },
    /// Give a webhook another secret; it is shown once
    Rotate {
        /// Webhook: its id, the end of it, or where it leads
        webhook: String,
        /// Seconds for which the old one signs too, a week (604800) at most
        #[arg(long, value_name = "SECONDS", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=604_800))]
        overlap: u32,
    },
}
