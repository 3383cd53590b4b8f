//! From the HTTP verb to the service method, and back to `Allow`.

use axum::body::Body;
use axum::response::Response;
use feathers_core::{Error, Method, ResolvedRoute, ServiceInfo};
use http::{HeaderValue, StatusCode, header};

use super::Rejection;

/// Decides which method a request calls; one that clients may not call is a 405.
///
/// `custom` is the value of `X-Service-Method`. It counts on a POST only, but a standard name there is refused on
/// every verb, as in Feathers: such a client expects something that it would not get.
pub(super) fn method(
    route: &ResolvedRoute,
    verb: &http::Method,
    custom: Option<&HeaderValue>,
) -> Result<Method, Rejection> {
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
pub(super) fn options(route: &ResolvedRoute) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    if let Some(allow) = allow(&route.service(), route.id().is_some(), None) {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}

/// Refuses a request with what its path has.
pub(super) fn refused(route: &ResolvedRoute, message: String) -> Rejection {
    let allow = allow(&route.service(), route.id().is_some(), None);
    Rejection { error: Error::method_not_allowed(message), allow }
}

/// Lists the verbs of a path. A method that has just been refused there is none of them, unless it creates: then it was
/// refused for its data.
pub(super) fn allow(service: &ServiceInfo, has_id: bool, refused: Option<&Method>) -> Option<HeaderValue> {
    let methods = service.methods();
    let read = if has_id { Method::Get } else { Method::Find };
    let mut verbs = Vec::with_capacity(7);
    if methods.contains(&read) {
        verbs.extend(["GET", "HEAD"]);
    }
    // Custom methods are a POST too.
    if methods.iter().any(|method| matches!(method, Method::Create | Method::Custom(_))) {
        verbs.push("POST");
    }
    let multi = service.descriptor().multi.as_ref().filter(|_| !has_id);
    let changes = [(Method::Update, "PUT"), (Method::Patch, "PATCH"), (Method::Remove, "DELETE")];
    let has = |method: &Method| {
        let fits = multi.is_none_or(|multi| *method != Method::Update && multi.allows(method));
        methods.contains(method) && fits && refused != Some(method)
    };
    verbs.extend(changes.iter().filter(|(method, _)| has(method)).map(|(_, verb)| *verb));
    verbs.push("OPTIONS");
    HeaderValue::try_from(verbs.join(", ")).ok()
}
