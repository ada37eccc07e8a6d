//! Authentication: `Basic email:token`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde_json::json;

use super::refusal::Refusal;
use super::world::World;
use super::{Answer, Received};

/// Whether the request carries accepted credentials.
pub(super) fn accepts(world: &World, request: &Received) -> bool {
    basic(request).is_some_and(|given| world.credentials.as_ref().is_none_or(|only| *only == given))
}

/// The decoded `email:token` of an `Authorization: Basic` header.
fn basic(request: &Received) -> Option<String> {
    let (scheme, encoded) = request.header("authorization")?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (email, token) = pair.split_once(':')?;
    (!email.is_empty() && !token.is_empty()).then_some(pair)
}

/// The answer to wrong credentials: the gateway's 401, or a site's answer to unknown users, a 404 without details.
pub(super) fn refuse(world: &World) -> Answer {
    if world.mask_unauthorized {
        return Refusal::new(StatusCode::NOT_FOUND, "Not Found").answer();
    }
    Answer::json(
        StatusCode::UNAUTHORIZED,
        &json!({"code": 401, "message": "Unauthorized"}),
    )
}
