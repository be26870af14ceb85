//! What a request says of itself: whom it is for, what it wants to become, and whether it can be sent twice.

use crate::router::body::RequestBody;
use crate::router::problem::Problem;
use crate::router::{hop, host};
use hyper::body::Incoming;
use hyper::header::{HOST, HeaderValue};
use hyper::upgrade::OnUpgrade;
use hyper::{HeaderMap, Method, Request, Version};

/// Whom the request is for: the authority of its URI (HTTP/2, absolute-form), else its one `Host` header.
pub(super) fn authority_of(request: &Request<Incoming>) -> Result<HeaderValue, Problem> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let (host, second) = (hosts.next(), hosts.next());
    if second.is_some() {
        return Err(Problem::TwoHosts);
    }
    let authority = match request.uri().authority() {
        Some(authority) => HeaderValue::from_str(authority.as_str()).map_err(|_| Problem::NoHost)?,
        None => host.cloned().ok_or(Problem::NoHost)?,
    };
    host::name_of(authority.as_bytes()).ok_or(Problem::NoHost)?;
    Ok(authority)
}

/// What the client wants to switch to, and the means to do it. HTTP/2 has no such thing.
pub(super) fn upgrade_of(request: &mut Request<Incoming>) -> Option<(HeaderValue, OnUpgrade)> {
    if request.version() != Version::HTTP_11 {
        return None;
    }
    let protocol = hop::wanted_upgrade(request.headers())?;
    Some((protocol, hyper::upgrade::on(request)))
}

/// A copy that can be sent if the request gets lost; only of one that changes nothing and has no body.
pub(super) fn replay_of(request: &Request<RequestBody>) -> Option<Request<RequestBody>> {
    let harmless = matches!(*request.method(), Method::GET | Method::HEAD);
    if !harmless || !http_body::Body::is_end_stream(request.body()) {
        return None;
    }
    let mut copy = Request::new(RequestBody::EMPTY);
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = HeaderMap::clone(request.headers());
    Some(copy)
}
