//! Authentication: `Basic email:token` in Cloud, a personal access token as bearer in Data Center.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde_json::json;
use url::form_urlencoded::byte_serialize;

use super::refusal::{Refusal, json_answer};
use super::world::{Deployment, World};
use super::{Answer, Received};

const UNAUTHENTICATED: &str = "Client must be authenticated to access this resource.";

/// Whether the request carries accepted credentials.
pub(super) fn accepts(world: &World, request: &Received) -> bool {
    let given = match world.deployment {
        Deployment::Cloud => basic(request),
        Deployment::DataCenter => request.bearer_token().map(str::to_owned),
    };
    given.is_some_and(|given| world.credentials.as_ref().is_none_or(|only| *only == given))
}

/// The decoded `user:password` of an `Authorization: Basic` header.
fn basic(request: &Received) -> Option<String> {
    let (scheme, encoded) = request.header("authorization")?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, password) = pair.split_once(':')?;
    (!user.is_empty() && !password.is_empty()).then_some(pair)
}

/// The answer to wrong credentials. Cloud may treat the caller as anonymous, for whom issues do not exist.
pub(super) fn refuse(world: &World, request: &Received, about_issue: bool) -> Answer {
    let answer = match world.deployment {
        Deployment::Cloud if world.mask_unauthorized && about_issue => Refusal::no_issue(world.deployment).answer(),
        Deployment::Cloud => Answer::with_type(
            StatusCode::UNAUTHORIZED,
            "text/html;charset=UTF-8",
            UNAUTHENTICATED.to_owned(),
        ),
        Deployment::DataCenter => json_answer(
            StatusCode::UNAUTHORIZED,
            &json!({"message": UNAUTHENTICATED, "status-code": 401}),
        ),
    };
    let answer = answer.with_header("x-seraph-loginreason", "AUTHENTICATED_FAILED");
    if answer.status != StatusCode::UNAUTHORIZED {
        return answer;
    }
    let realm: String = byte_serialize(request.base_url().as_bytes()).collect();
    answer.with_header("www-authenticate", &format!("OAuth realm=\"{realm}\""))
}
