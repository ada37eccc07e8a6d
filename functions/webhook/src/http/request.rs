//! Converts API Gateway's event to one that `lambda_http` accepts without a panic.

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::event::{GatewayEvent, HttpEvent};
use super::refusal::Refusal;
use super::route::Route;

/// Headers from which `lambda_http` would build an address.
const DROPPED: [&str; 2] = ["host", "x-forwarded-proto"];

/// Sanitizes one event: the result has a served path and no query, and every header and the body are well formed.
pub(super) fn sanitize_event(event: GatewayEvent) -> Result<(Route, ApiGatewayV2httpRequest), (Route, Refusal)> {
    let GatewayEvent::Http(event) = event else {
        return Err((Route::Webhook, Refusal::Unreadable));
    };
    let HttpEvent {
        method,
        path,
        headers,
        body,
        is_base64,
        ..
    } = *event;
    let route = Route::find(&path, &method)?;
    if is_base64 && STANDARD.decode(body.as_deref().unwrap_or_default()).is_err() {
        return Err((route, Refusal::Unreadable));
    }
    let mut request = ApiGatewayV2httpRequest::default();
    request.request_context.http.method = Method::POST;
    request.raw_path = Some(path);
    request.headers = headers
        .iter()
        .filter_map(|(name, value)| header(name, value))
        .collect::<HeaderMap>();
    request.body = body;
    request.is_base64_encoded = is_base64;
    Ok((route, request))
}

/// The first value of a header; `None` too if it is not UTF-8, which no value of a sanitized event is.
#[must_use]
pub fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    std::str::from_utf8(headers.get(name)?.as_bytes()).ok()
}

/// One header. Invalid bytes become question marks, and the header is kept: a signature that looked absent would allow a weaker
/// proof.
fn header(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
    if DROPPED.contains(&name.as_str()) {
        return None;
    }
    let value = value.replace(|character: char| character.is_ascii_control(), "?");
    Some((name, HeaderValue::from_bytes(value.as_bytes()).ok()?))
}
