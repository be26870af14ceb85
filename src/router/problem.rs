//! Why the router answered a request itself.

use crate::router::body::BodyError;
use hyper::StatusCode;
use std::error::Error;

/// A request that no app answered. [`Problem::code`] is what clients see in `X-Gilgal-Error`; codes do not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Problem {
    /// Two `Host` headers: two servers could disagree about whom the request is for.
    TwoHosts,
    /// No `Host`, or one that is not a host name.
    NoHost,
    /// `CONNECT`: we are no forward proxy.
    MethodNotAllowed,
    /// No route has the host.
    NoSuchApp,
    /// The route has no instance: the app is starting, or all its instances have crashed.
    NoInstance,
    /// The app is being worked on.
    Maintenance,
    /// Somebody has stopped the app.
    Stopped,
    /// It was asleep and is being started, and no more requests can wait, or not any longer.
    Waking,
    /// It was asleep, and its instances did not become healthy a moment ago.
    NotWoken,
    /// Its instances are being replaced, and no more requests can wait, or not any longer.
    Held,
    /// The instance takes no connections.
    Unreachable,
    /// The instance closed the connection before it had answered.
    HungUp,
    /// What the instance sent is not HTTP.
    BadResponse,
    /// The instance did not answer in time.
    TooSlow,
    /// The body is larger than the router allows.
    TooLarge,
    /// The client stopped sending.
    ClientTooSlow,
    /// The client went away in the middle of its body. Nobody reads this page; the status is for the counters.
    ClientGone,
}

impl Problem {
    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::TwoHosts | Self::NoHost | Self::ClientGone => StatusCode::BAD_REQUEST,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NoSuchApp => StatusCode::NOT_FOUND,
            // Not 502: the instance is not there yet, or not any more, as while the engine or the host is restarted.
            Self::NoInstance
            | Self::Held
            | Self::Waking
            | Self::NotWoken
            | Self::Unreachable
            | Self::Maintenance
            | Self::Stopped => StatusCode::SERVICE_UNAVAILABLE,
            Self::HungUp | Self::BadResponse => StatusCode::BAD_GATEWAY,
            Self::TooSlow => StatusCode::GATEWAY_TIMEOUT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::ClientTooSlow => StatusCode::REQUEST_TIMEOUT,
        }
    }

    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::TwoHosts => "two_hosts",
            Self::NoHost => "no_host",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::NoSuchApp => "no_such_app",
            Self::NoInstance => "no_instance",
            Self::Held => "app_replaced",
            Self::Waking => "app_waking",
            Self::NotWoken => "app_not_woken",
            Self::Maintenance => "maintenance",
            Self::Stopped => "app_stopped",
            Self::Unreachable => "app_unreachable",
            Self::HungUp => "app_hung_up",
            Self::BadResponse => "app_bad_response",
            Self::TooSlow => "app_timeout",
            Self::TooLarge => "payload_too_large",
            Self::ClientTooSlow => "request_timeout",
            Self::ClientGone => "request_incomplete",
        }
    }

    /// What a person reads first.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::TwoHosts | Self::NoHost | Self::ClientGone => "Bad request",
            Self::MethodNotAllowed => "Method not allowed",
            Self::NoSuchApp => "There is no app here",
            Self::NoInstance | Self::Held | Self::Waking | Self::Unreachable => "The app is not ready",
            Self::NotWoken => "The app did not start",
            Self::Maintenance => "Back in a moment",
            Self::Stopped => "The app is stopped",
            Self::HungUp | Self::BadResponse => "The app did not answer",
            Self::TooSlow => "The app took too long",
            Self::TooLarge => "The request is too large",
            Self::ClientTooSlow => "The request took too long",
        }
    }

    /// One sentence more.
    pub(super) const fn explanation(self) -> &'static str {
        match self {
            Self::TwoHosts => "The request has more than one Host header.",
            Self::NoHost => "The request does not name a valid host.",
            Self::MethodNotAllowed => "This server does not open tunnels.",
            Self::NoSuchApp => {
                "No app is deployed under this name. If you have just added it, push it first."
            }
            Self::NoInstance => "It is starting, or none of its instances is running. Try again in a moment.",
            Self::Maintenance => "The app is being worked on. Try again in a few minutes.",
            Self::Stopped => "Somebody has stopped it, and can start it again.",
            Self::Held => "It is being replaced by a new release. Try again in a moment.",
            Self::Waking => "It was asleep and is starting. Try again in a moment.",
            Self::NotWoken => {
                "It was asleep, and did not become healthy when it was started. The app's log may say why."
            }
            Self::Unreachable => {
                "Its instance accepts no connections. Try again in a moment; the app's log may say why."
            }
            Self::HungUp => {
                "Its instance closed the connection before it answered. The app's log may say why."
            }
            Self::BadResponse => "What its instance sent is not a valid HTTP response.",
            Self::TooSlow => "Its instance did not answer in time. The app's log may say why.",
            Self::TooLarge => "The body of the request is larger than this server allows.",
            Self::ClientTooSlow => "The rest of the request did not arrive in time.",
            Self::ClientGone => "The request ended before its body was complete.",
        }
    }

    /// After how many seconds trying again makes sense, where it does.
    pub(super) const fn retry_after(self) -> Option<&'static str> {
        match self {
            Self::NoInstance | Self::Held | Self::Waking | Self::Unreachable => Some("2"),
            Self::NotWoken => Some("10"),
            Self::Maintenance => Some("60"),
            Self::Stopped => Some("600"),
            Self::TwoHosts
            | Self::NoHost
            | Self::MethodNotAllowed
            | Self::NoSuchApp
            | Self::HungUp
            | Self::BadResponse
            | Self::TooSlow
            | Self::TooLarge
            | Self::ClientTooSlow
            | Self::ClientGone => None,
        }
    }

    /// Whether it is the app that does not answer, so that people get the page that it has for this.
    pub(super) const fn has_error_page(self) -> bool {
        match self {
            Self::NoInstance
            | Self::Held
            | Self::Waking
            | Self::NotWoken
            | Self::Unreachable
            | Self::HungUp
            | Self::BadResponse
            | Self::TooSlow => true,
            Self::Maintenance
            | Self::Stopped
            | Self::TwoHosts
            | Self::NoHost
            | Self::MethodNotAllowed
            | Self::NoSuchApp
            | Self::TooLarge
            | Self::ClientTooSlow
            | Self::ClientGone => false,
        }
    }

    /// Whether it is the release that has failed.
    pub(super) const fn blames_release(self) -> bool {
        match self {
            Self::HungUp | Self::BadResponse | Self::TooSlow => true,
            // Instances that are not there: the engine or the host may be restarted.
            Self::NoInstance | Self::Held | Self::Waking | Self::NotWoken | Self::Unreachable => false,
            Self::Maintenance | Self::Stopped => false,
            // The client's.
            Self::TwoHosts
            | Self::NoHost
            | Self::MethodNotAllowed
            | Self::NoSuchApp
            | Self::TooLarge
            | Self::ClientTooSlow
            | Self::ClientGone => false,
        }
    }

    /// The problem behind a request that hyper could not bring to its answer.
    pub(super) fn behind(error: &hyper::Error) -> Self {
        let mut source = error.source();
        while let Some(cause) = source {
            match cause.downcast_ref::<BodyError>() {
                Some(BodyError::TooLarge) => return Self::TooLarge,
                Some(BodyError::Client(_)) => return Self::ClientGone,
                None => source = cause.source(),
            }
        }
        if error.is_parse() { Self::BadResponse } else { Self::HungUp }
    }
}
