//! The control interface over HTTP: everything under `/_double`.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::state::{Inner, System};
use super::{Answer, Received, Stub, merge_patch};

/// Answers a control request; `None` for a request to the system itself.
pub(super) fn answer<S: System>(double: &mut Inner<S>, request: &Received) -> Option<Answer> {
    let rest = request.path().strip_prefix("/_double")?;
    if !rest.is_empty() && !rest.starts_with('/') {
        return None;
    }
    let name = rest.trim_start_matches('/');
    let result = match (&request.method, name) {
        (&Method::GET, "") => Ok(json!({"system": S::NAME})),
        (&Method::DELETE, "") => {
            double.reset();
            Ok(done())
        }
        (&Method::PUT, "stub") => add_stub(double, &request.body),
        (&Method::DELETE, "stub") => {
            double.stubs.clear();
            Ok(done())
        }
        (&Method::GET, "requests") => serde_json::to_value(&double.requests).map_err(|error| error.to_string()),
        (&Method::GET, name) if name == S::WORLD => {
            serde_json::to_value(double.system.world()).map_err(|error| error.to_string())
        }
        (&Method::PUT, name) if name == S::WORLD => serde_json::from_slice(&request.body)
            .map_err(|error| format!("not JSON: {error}"))
            .and_then(|patch| patch_world(&mut double.system, patch))
            .map(|()| done()),
        (method, _) => {
            let reason = format!("{method} {} is not part of the control interface", request.path());
            return Some(Answer::json(
                StatusCode::NOT_FOUND,
                &json!({"status": "refused", "reason": reason}),
            ));
        }
    };
    Some(match result {
        Ok(body) => Answer::json(StatusCode::OK, &body),
        Err(reason) => Answer::json(StatusCode::BAD_REQUEST, &json!({"status": "refused", "reason": reason})),
    })
}

fn done() -> Value {
    json!({"status": "ok"})
}

fn add_stub<S: System>(double: &mut Inner<S>, body: &[u8]) -> Result<Value, String> {
    let stub: Value = serde_json::from_slice(body).map_err(|error| format!("not JSON: {error}"))?;
    if !stub.is_object() {
        return Err("not a stub: a JSON object is needed".to_owned());
    }
    let stub: Stub = serde_path_to_error::deserialize(stub).map_err(|error| format!("not a stub: {error}"))?;
    double.stubs.push(stub.prepare().map_err(|error| error.to_string())?);
    Ok(done())
}

/// Merges a patch into the world; an invalid patch changes nothing.
pub(super) fn patch_world<S: System>(system: &mut S, patch: Value) -> Result<(), String> {
    if !patch.is_object() {
        return Err("a merge patch must be a JSON object".to_owned());
    }
    let mut world = serde_json::to_value(system.world()).map_err(|error| error.to_string())?;
    merge_patch::apply(&mut world, patch);
    *system.world() = serde_path_to_error::deserialize(&world).map_err(|error| error.to_string())?;
    Ok(())
}
