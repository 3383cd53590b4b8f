//! From the HTTP verb to the service method, and back to `Allow`.

use axum::body::Body;
use axum::response::Response;
use feathers_core::{Error, Method, Route};
use http::{HeaderValue, StatusCode, header};

use super::Refused;

/// Decides which method a request calls; one that clients may not call is a 405.
///
/// `custom` is the value of `X-Service-Method`. It counts on a POST only, but a standard name there is refused on
/// every verb, as in Feathers: such a client expects something that it would not get.
pub(super) fn method(route: &Route, verb: &http::Method, custom: Option<&HeaderValue>) -> Result<Method, Refused> {
    let custom = custom.map(|name| String::from_utf8_lossy(name.as_bytes())).filter(|name| !name.is_empty());
    let standard = match *verb {
        http::Method::GET | http::Method::HEAD if route.id().is_some() => Method::Get,
        http::Method::GET | http::Method::HEAD => Method::Find,
        http::Method::POST => Method::Create,
        http::Method::PUT => Method::Update,
        http::Method::PATCH => Method::Patch,
        http::Method::DELETE => Method::Remove,
        _ => return Err(refused(route, format!("Method {verb} not allowed"))),
    };
    let method = match &custom {
        Some(name) if *verb == http::Method::POST => Method::named(name),
        _ => standard,
    };
    let misnamed = custom.is_some_and(|name| Method::standard(&name).is_some());
    if misnamed || !route.allows(&method) {
        return Err(refused(route, format!("Method `{method}` is not supported by this endpoint.")));
    }
    Ok(method)
}

/// Answers `OPTIONS`: no body, and what is allowed.
pub(super) fn options(route: &Route) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    if let Some(allow) = allow(route) {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}

fn refused(route: &Route, message: String) -> Refused {
    Refused { error: Error::method_not_allowed(message), allow: allow(route) }
}

/// Lists the verbs of a path.
fn allow(route: &Route) -> Option<HeaderValue> {
    let read = if route.id().is_some() { Method::Get } else { Method::Find };
    let mut verbs = Vec::with_capacity(7);
    if route.allows(&read) {
        verbs.extend(["GET", "HEAD"]);
    }
    // Custom methods are a POST too.
    if route.methods().iter().any(|method| matches!(method, Method::Create | Method::Custom(_))) {
        verbs.push("POST");
    }
    let changes = [(Method::Update, "PUT"), (Method::Patch, "PATCH"), (Method::Remove, "DELETE")];
    verbs.extend(changes.iter().filter(|(method, _)| route.allows(method)).map(|(_, verb)| *verb));
    verbs.push("OPTIONS");
    HeaderValue::try_from(verbs.join(", ")).ok()
}
