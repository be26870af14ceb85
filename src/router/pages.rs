//! What people and programs see when no app answers. No text of a request is ever part of it but its id, whose
//! characters [`crate::router::request_id`] has checked.

use crate::router::body::ResponseBody;
use crate::router::problem::Problem;
use crate::router::request_id;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER,
};
use hyper::{Response, StatusCode};

const ERROR: HeaderName = HeaderName::from_static("x-gilgal-error");

/// The answer to a request that met a problem: JSON where `accept` prefers it, else a page, which may be the app's own.
pub(super) fn render(
    problem: Problem,
    own: Option<String>,
    accept: Option<&HeaderValue>,
    request_id: HeaderValue,
) -> Response<ResponseBody> {
    let id = request_id.to_str().unwrap_or_default();
    let is_own = own.is_some();
    let (body, content_type) = if accept.is_some_and(prefers_json) {
        (json(problem, id), "application/json")
    } else {
        (own.unwrap_or_else(|| html(problem, id)), "text/html; charset=utf-8")
    };
    let mut response = Response::new(ResponseBody::page(body));
    *response.status_mut() = problem.status();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(if is_own {
            "default-src 'none'; style-src 'unsafe-inline'; img-src https: data:"
        } else {
            "default-src 'none'; style-src 'unsafe-inline'"
        }),
    );
    headers.insert(ERROR, HeaderValue::from_static(problem.code()));
    headers.insert(request_id::HEADER, request_id);
    if let Some(seconds) = problem.retry_after() {
        headers.insert(RETRY_AFTER, HeaderValue::from_static(seconds));
    }
    if problem.status() == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
    }
    response
}

fn html(problem: Problem, id: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
         <style>body{{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:18vh auto;padding:0 1rem;\
         color:#222}}h1{{font-size:1.5rem}}small{{color:#666}}\
         @media(prefers-color-scheme:dark){{body{{background:#111;color:#ddd}}small{{color:#999}}}}</style>\n\
         <h1>{title}</h1>\n<p>{explanation}</p>\n<p><small>{status} · {code} · {id}</small></p>\n</html>\n",
        title = problem.title(),
        explanation = problem.explanation(),
        status = problem.status().as_u16(),
        code = problem.code(),
    )
}

/// The shape of the API's errors, so that a client of both needs one parser.
fn json(problem: Problem, id: &str) -> String {
    let error = serde_json::json!({
        "error": {
            "code": problem.code(),
            "message": format!("{}. {}", problem.title(), problem.explanation()),
            "request_id": id,
        }
    });
    format!("{error}\n")
}

/// Whether `Accept` names JSON with a higher weight than HTML. `*/*` names neither: a page it is.
fn prefers_json(accept: &HeaderValue) -> bool {
    let Ok(accept) = accept.to_str() else { return false };
    let weight = |wanted: &str| {
        accept
            .split(',')
            .filter_map(|range| {
                let mut parts = range.split(';').map(str::trim);
                let kind = parts.next()?;
                let quality = parts.find_map(|part| part.strip_prefix("q="));
                kind.eq_ignore_ascii_case(wanted)
                    .then(|| quality.map_or(1.0, |quality| quality.parse::<f32>().unwrap_or(0.0)))
            })
            .fold(0.0, f32::max)
    };
    weight("application/json") > weight("text/html")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_for_those_who_ask_for_it() {
        for (accept, expected) in [
            ("application/json", true),
            ("application/json, text/plain, */*", true),
            ("text/html;q=0.5, application/json", true),
            ("text/html,application/xhtml+xml,*/*;q=0.8", false),
            ("text/html, application/json", false),
            ("application/json;q=0.1, text/html;q=0.9", false),
            ("*/*", false),
            ("application/json;q=x", false),
        ] {
            assert_eq!(prefers_json(&HeaderValue::from_static(accept)), expected, "{accept}");
        }
    }

    #[test]
    fn a_page_says_what_is_wrong_and_how_to_find_it() {
        let html = html(Problem::NoInstance, "0123456789abcdef");
        for part in ["<h1>The app is not ready</h1>", "503", "no_instance", "0123456789abcdef"] {
            assert!(html.contains(part), "{part}");
        }
        let json: serde_json::Value =
            serde_json::from_str(&json(Problem::NoSuchApp, "0123456789abcdef")).unwrap();
        assert_eq!(json["error"]["code"], "no_such_app");
        assert_eq!(json["error"]["request_id"], "0123456789abcdef");
    }
}
