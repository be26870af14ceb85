//! One request and its answer.

use crate::model::route::Standing;
use crate::router::access_log::AccessLine;
use crate::router::body::{Lease, Progress, RequestBody, ResponseBody, wait_for_head};
use crate::router::counters::{Meter, ReleaseMeter};
use crate::router::forwarded::Client;
use crate::router::handle::Shared;
use crate::router::incoming::{authority_of, replay_of, upgrade_of};
use crate::router::problem::Problem;
use crate::router::target::{InFlight, TargetNumber};
use crate::router::{hop, host, pages, sticky, tunnel};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, HOST, HeaderValue, TE};
use hyper::upgrade::OnUpgrade;
use hyper::{Method, Request, Response, StatusCode, Uri, Version};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A request is tried at most so often: on an idle connection, on a new one, and on other instances.
const ATTEMPTS: usize = 4;

/// Answers a request: with what an app says, or with a page of our own.
pub(super) async fn answer(
    shared: Arc<Shared>,
    client: Arc<Client>,
    mut request: Request<Incoming>,
) -> Response<ResponseBody> {
    let access = AccessLine::begin(&request);
    let accept = request.headers().get(ACCEPT).cloned();
    let request_id = shared.request_ids.settle(request.headers_mut());
    let mut exchange = Exchange {
        shared: &shared,
        client: &client,
        meter: None,
        release: None,
        is_tried_out: false,
        held: Duration::ZERO,
        page: None,
        error_page: None,
        is_sticky: false,
        wanted: Vec::new(),
        given: None,
        turn: None,
        tried: Vec::new(),
    };
    let begun = Instant::now();
    let outcome = exchange.run(request).await;
    let Exchange { meter, release, held, page, error_page, .. } = exchange;
    if let Some(release) = release {
        release.conclude(&outcome, begun.elapsed().saturating_sub(held));
    }
    let response = match outcome {
        Ok(response) => response,
        Err(problem) => {
            tracing::debug!(code = problem.code(), id = ?request_id, "the router answered itself");
            let own =
                page.or_else(|| error_page.filter(|_| problem.has_error_page()).map(|page| page.to_string()));
            pages::render(problem, own, accept.as_ref(), request_id.clone())
        }
    };
    if let Some(meter) = meter {
        meter.answer(response.status());
    }
    if let Some(access) = access {
        access.end(response.status(), &request_id);
    }
    response
}

struct Exchange<'a> {
    shared: &'a Arc<Shared>,
    client: &'a Client,
    /// Known once a route is found.
    meter: Option<Arc<Meter>>,
    /// Of the release whose instance was asked last.
    release: Option<Arc<ReleaseMeter>>,
    /// Whether that one is not live.
    is_tried_out: bool,
    /// How long it waited while the instances were replaced.
    held: Duration,
    /// What the app has for people while it is being worked on.
    page: Option<String>,
    /// What it has for when it does not answer.
    error_page: Option<Arc<str>>,
    /// Names of which one may be that of the instance that its client was at before, and of the one that it is to stay at from
    /// now on.
    is_sticky: bool,
    wanted: Vec<String>,
    given: Option<String>,
    turn: Option<usize>,
    tried: Vec<TargetNumber>,
}

impl Exchange<'_> {
    async fn run(&mut self, mut request: Request<Incoming>) -> Result<Response<ResponseBody>, Problem> {
        let authority = authority_of(&request)?;
        if *request.method() == Method::CONNECT {
            return Err(Problem::MethodNotAllowed);
        }
        let limit = self.shared.options.max_body_bytes;
        if limit.is_some_and(|limit| http_body::Body::size_hint(request.body()).lower() > limit) {
            return Err(Problem::TooLarge);
        }
        let upgrade = upgrade_of(&mut request);
        let (parts, incoming) = request.into_parts();
        let (body, progress) = RequestBody::new(incoming, limit);
        let mut outgoing = Request::new(body);
        // Origin-form, or `*` for a question about the server as a whole (RFC 9112 §3.2).
        *outgoing.uri_mut() = parts.uri.path_and_query().cloned().map_or_else(Uri::default, Uri::from);
        *outgoing.method_mut() = parts.method;
        *outgoing.headers_mut() = parts.headers;
        let headers = outgoing.headers_mut();
        let takes_trailers = hop::takes_trailers(headers);
        hop::strip(headers);
        if takes_trailers {
            headers.insert(TE, HeaderValue::from_static("trailers"));
        }
        if let Some((protocol, _)) = &upgrade {
            hop::set_upgrade(headers, protocol.clone());
        }
        if parts.version == Version::HTTP_2 {
            hop::join_cookies(headers);
        }
        self.client.describe(headers, &authority);
        headers.insert(HOST, authority.clone());

        self.admit(&authority).await?;
        if self.is_sticky {
            self.wanted = sticky::take(outgoing.headers_mut());
        }
        let (response, lease) = self.send(&authority, outgoing, progress.as_deref()).await?;
        self.pass_on(response, lease, upgrade.map(|(_, client)| client))
    }

    /// Refuses what is for an app that is out of service, and waits while its instances are replaced by others that cannot run
    /// beside them, or are started as they were asleep.
    async fn admit(&mut self, authority: &HeaderValue) -> Result<(), Problem> {
        let host = host::name_of(authority.as_bytes()).ok_or(Problem::NoHost)?;
        let options = &self.shared.options;
        loop {
            let wait_for = {
                let table = self.shared.table.load();
                let Some(app) = table.find(&host) else { return Ok(()) };
                self.error_page.clone_from(&app.error_page);
                self.is_sticky = app.route.sticky;
                let problem = match &app.route.standing {
                    Standing::Open => None,
                    Standing::Asleep => {
                        app.sleep.as_ref().filter(|sleep| sleep.refuses()).map(|_| Problem::NotWoken)
                    }
                    Standing::Maintenance { page } => {
                        self.page.clone_from(page);
                        Some(Problem::Maintenance)
                    }
                    Standing::Stopped => Some(Problem::Stopped),
                };
                if let Some(problem) = problem {
                    self.count(&app.meter);
                    return Err(problem);
                }
                let sleep = app.sleep.clone().map(|sleep| (sleep, Problem::Waking));
                let hold = || app.hold.clone().map(|hold| (hold, Problem::Held));
                sleep.or_else(hold).map(|waiting| (Arc::clone(&app.meter), waiting))
            };
            let Some((meter, (hold, problem))) = wait_for else { return Ok(()) };
            self.count(&meter);
            if problem == Problem::Waking {
                hold.want();
                self.shared.wanted.notify_one();
            }
            let begun = Instant::now();
            let left = options.hold_limit.saturating_sub(self.held);
            let is_over = hold.wait(options.max_held, left).await;
            self.held += begun.elapsed();
            if !is_over {
                return Err(problem);
            }
        }
    }

    /// Counts the request once, for its app.
    fn count(&mut self, meter: &Arc<Meter>) {
        if self.meter.is_none() {
            meter.request();
            self.meter = Some(Arc::clone(meter));
        }
    }

    /// Brings the request to an instance and waits for the head of the answer.
    ///
    /// It is sent a second time only when that cannot do harm: it never left, or it is a GET or HEAD that ran into a
    /// connection which the app was closing after its last request.
    async fn send(
        &mut self,
        authority: &HeaderValue,
        mut request: Request<RequestBody>,
        progress: Option<&Progress>,
    ) -> Result<(Response<Incoming>, Lease), Problem> {
        let options = &self.shared.options;
        let mut problem = None;
        let mut new_connection = false;
        for attempt in 0..ATTEMPTS {
            let in_flight = self.choose(authority).map_err(|none| problem.unwrap_or(none))?;
            if attempt > 0
                && let Some(meter) = &self.meter
            {
                meter.retry();
            }
            let target = in_flight.target();
            let idle = if new_connection { None } else { target.pool().take() };
            let reused = idle.is_some();
            let mut connection = match idle {
                Some(connection) => connection,
                None => match target.connect(options.connect_timeout).await {
                    Ok(connection) => connection,
                    Err(error) => {
                        tracing::debug!(address = %target.place().address, %error, "an instance cannot be reached");
                        problem = Some(Problem::Unreachable);
                        self.give_up(target.number());
                        continue;
                    }
                },
            };
            let spare = if reused { replay_of(&request) } else { None };
            let sent =
                wait_for_head(options.response_timeout, progress, connection.try_send_request(request))
                    .await?;
            let mut failure = match sent {
                Ok(response) => return Ok((response, Lease { in_flight, connection })),
                Err(failure) => failure,
            };
            let cause = Problem::behind(failure.error());
            let spare = if cause == Problem::HungUp { spare } else { None };
            request = failure.take_message().or(spare).ok_or_else(|| {
                let error = failure.error();
                tracing::debug!(address = %target.place().address, %error, "an instance did not answer");
                cause
            })?;
            problem = Some(cause);
            if reused {
                // The others in the pool are of the same age: do not go through them one by one.
                new_connection = true;
            } else {
                self.give_up(target.number());
            }
        }
        Err(problem.unwrap_or(Problem::Unreachable))
    }

    /// Goes elsewhere. The answer says nothing about an instance that is tried out and gave none: that is counted here.
    fn give_up(&mut self, target: TargetNumber) {
        self.tried.push(target);
        if let Some(release) = self.release.take_if(|_| self.is_tried_out) {
            release.answer(true, Duration::ZERO);
        }
    }

    /// Picks a target in the table of this moment. A retry looks again: the table may have changed since.
    fn choose(&mut self, authority: &HeaderValue) -> Result<InFlight, Problem> {
        let host = host::name_of(authority.as_bytes()).ok_or(Problem::NoHost)?;
        let table = self.shared.table.load();
        let app = table.find(&host).ok_or(Problem::NoSuchApp)?;
        self.count(&app.meter);
        let turn = *self.turn.get_or_insert_with(|| app.next_turn());
        let (chosen, release) = app.pick(turn, &self.tried, &self.wanted).ok_or(Problem::NoInstance)?;
        self.is_tried_out = !Arc::ptr_eq(release, &app.release);
        self.release = Some(Arc::clone(release));
        self.given = app.route.sticky.then(|| chosen.target().name().to_owned());
        Ok(chosen)
    }

    /// Turns the app's answer into the client's.
    fn pass_on(
        &self,
        mut response: Response<Incoming>,
        lease: Lease,
        client: Option<OnUpgrade>,
    ) -> Result<Response<ResponseBody>, Problem> {
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            let protocol = hop::wanted_upgrade(response.headers());
            // Nobody asked for it, or it does not say to what: nothing that could follow makes sense.
            let (Some(client), Some(protocol)) = (client, protocol) else { return Err(Problem::BadResponse) };
            let app = hyper::upgrade::on(&mut response);
            tunnel::join(client, app, lease.in_flight, Arc::clone(self.shared));
            let mut response = response.map(|_| ResponseBody::empty());
            hop::strip(response.headers_mut());
            hop::set_upgrade(response.headers_mut(), protocol);
            return Ok(response);
        }
        hop::strip(response.headers_mut());
        if let Some(name) = self.given.as_ref().filter(|name| !self.wanted.contains(name)) {
            sticky::give(response.headers_mut(), name, self.client.is_secure());
        }
        // An app that speaks HTTP/1.0 does not make its clients do so.
        *response.version_mut() = Version::HTTP_11;
        Ok(response.map(|incoming| ResponseBody::from_app(incoming, lease)))
    }
}
