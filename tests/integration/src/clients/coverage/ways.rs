//! The ways in which the other side can end a call.

use audit::FailureClass;
use audit::FailureClass::{
    AuthFailure, Conflict, InvalidResponse, NetworkError, NotFound, RateLimit, ServerError, Timeout,
};
use doubles::{Fault, Stub, syslog};
use serde_json::{Value, json};

use crate::runtime::refusal;

/// What the other side does.
#[derive(Debug, Clone)]
pub(super) enum Script {
    /// The requested action.
    Well,
    /// This answer to every caller; the row sets method and path.
    Http(Stub),
    /// This fault for the next connection.
    Syslog(syslog::Fault),
}

impl Script {
    /// The stub, for the request that the row is about.
    pub(super) fn stub(self, method: &str, path: &str) -> Option<Stub> {
        match self {
            Self::Http(stub) => Some(Stub {
                method: Some(method.to_owned()),
                path: path.to_owned(),
                ..stub
            }),
            Self::Well | Self::Syslog(_) => None,
        }
    }
}

/// One way, and the failure class of its entries.
#[derive(Debug, Clone)]
pub(super) struct Way {
    pub(super) name: String,
    /// `None`: success.
    pub(super) class: Option<FailureClass>,
    pub(super) script: Script,
}

fn way(name: impl Into<String>, class: impl Into<Option<FailureClass>>, script: Script) -> Way {
    let (name, class) = (name.into(), class.into());
    Way { name, class, script }
}

fn status(status: u16, class: FailureClass) -> Way {
    way(
        status.to_string(),
        class,
        Script::Http(Stub::answering("", "", status, "no")),
    )
}

fn fault(fault: Fault, class: FailureClass) -> Way {
    way(format!("{fault:?}"), class, Script::Http(Stub::failing("", "", fault)))
}

fn answer(name: &str, body: impl Into<Value>, class: FailureClass) -> Way {
    way(name, class, Script::Http(Stub::answering("", "", 200, body)))
}

/// Every way for HTTP.
pub(super) fn http() -> Vec<Way> {
    let statuses = [
        (400, InvalidResponse),
        (401, AuthFailure),
        (403, AuthFailure),
        (404, NotFound),
        (408, Timeout),
        (409, Conflict),
        (410, NotFound),
        (412, Conflict),
        (418, InvalidResponse),
        (429, RateLimit),
        (500, ServerError),
        (503, ServerError),
    ];
    let faults = [
        (Fault::Reset, NetworkError),
        (Fault::Half, NetworkError),
        (Fault::Hang, Timeout),
    ];
    std::iter::once(way("well", None, Script::Well))
        .chain(statuses.map(|(code, class)| status(code, class)))
        .chain(faults.map(|(broken, class)| fault(broken, class)))
        .collect()
}

/// The same for answers without a body to truncate.
pub(super) fn empty() -> Vec<Way> {
    let mut ways = http();
    ways.retain(|way| way.name != format!("{:?}", Fault::Half));
    ways
}

/// The same for answers whose body is read.
pub(super) fn json() -> Vec<Way> {
    let unreadable = [("no JSON", "<html>"), ("half of it", "{\"ok\":tr"), ("nothing", "")];
    let mut ways = http();
    ways.extend(unreadable.map(|(name, body)| answer(name, body, InvalidResponse)));
    ways
}

/// The same for Slack, which reports failures in a successful answer.
pub(super) fn slack() -> Vec<Way> {
    let codes = [
        ("invalid_auth", AuthFailure),
        ("ratelimited", RateLimit),
        ("request_timeout", Timeout),
        ("channel_not_found", NotFound),
        ("internal_error", ServerError),
        ("is_archived", InvalidResponse),
    ];
    let mut ways = json();
    ways.extend(codes.map(|(code, class)| answer(code, json!({"ok": false, "error": code}), class)));
    ways
}

/// The same for Linear, which reports failures in the body, with any status.
pub(super) fn linear() -> Vec<Way> {
    let codes = [
        (200, "INTERNAL_SERVER_ERROR", ServerError),
        (200, "INPUT_ERROR", InvalidResponse),
        (400, "RATELIMITED", RateLimit),
        (400, "FORBIDDEN", AuthFailure),
        (401, "AUTHENTICATION_ERROR", AuthFailure),
    ];
    let mut ways = json();
    ways.extend(codes.map(|(status, code, class)| {
        let body = json!({"data": null, "errors": [{"message": "no", "extensions": {"code": code}}]});
        way(code, class, Script::Http(Stub::answering("", "", status, body)))
    }));
    ways
}

/// The ways of AWS, which distinguishes most rejections by their code.
pub(super) fn aws(unknown: &str) -> Vec<Way> {
    let codes = [
        (400, "AccessDeniedException", AuthFailure),
        (400, "ThrottlingException", RateLimit),
        (400, unknown, NotFound),
        (409, "ConflictException", Conflict),
        (400, "InvalidParameterValue", InvalidResponse),
        (500, "InternalFailure", ServerError),
    ];
    let mut ways = json();
    ways.extend(codes.map(|(status, code, class)| way(code, class, Script::Http(refusal(status, code)))));
    ways
}

/// The ways of syslog.
pub(super) fn syslog() -> Vec<Way> {
    let faults = [
        (syslog::Fault::CloseImmediately, NetworkError),
        (syslog::Fault::NeverClose, Timeout),
        (syslog::Fault::Answer, InvalidResponse),
    ];
    let faults = faults.map(|(fault, class)| way(format!("{fault:?}"), class, Script::Syslog(fault)));
    std::iter::once(way("well", None, Script::Well)).chain(faults).collect()
}

/// Transient HTTP failures that end after one request.
pub(super) fn passing() -> Vec<Way> {
    let faults = [Fault::Reset, Fault::Half, Fault::PostThenReset].map(|broken| fault(broken, NetworkError));
    let statuses = [(429, RateLimit), (500, ServerError), (503, ServerError)].map(|(code, class)| status(code, class));
    let once = |way: Way| match way.script {
        Script::Http(stub) => Way {
            script: Script::Http(stub.times(1)),
            ..way
        },
        Script::Well | Script::Syslog(_) => way,
    };
    faults.into_iter().chain(statuses).map(once).collect()
}
