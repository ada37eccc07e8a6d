//! The receiver's name in the audit log, which credentials are valid, and what a failed call means for its batch.

use std::sync::Arc;

use audit::{ActorType, FailureClass, Writer};
use audit_delivery::Destination;
use jiff::Timestamp;
use model::FixedClock;
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::http::Options;

fn http() -> Http {
    let clock = Arc::new(FixedClock(Timestamp::UNIX_EPOCH));
    let (writer, _) = Writer::memory("test", clock.clone());
    Http::new(&Options::default(), writer, clock).unwrap()
}

fn credential(json: serde_json::Value) -> SiemCredential {
    serde_json::from_value(json).unwrap()
}

fn receiver(address: &str, credential: Option<&SiemCredential>) -> Result<HttpReceiver, InvalidAddress> {
    HttpReceiver::new(http(), Url::parse(address).unwrap(), credential)
}

#[test]
fn receiver_name_omits_path_and_query() {
    for (address, name) in [
        ("https://siem.example.com/in?token=hunter2", "siem.example.com:443"),
        ("http://127.0.0.1:8088/services/collector", "127.0.0.1:8088"),
        ("https://[::1]:9000/", "[::1]:9000"),
    ] {
        let target = serde_json::to_value(target(&Url::parse(address).unwrap())).unwrap();
        assert_eq!(target, json!({"resource_type": "audit_receiver", "id": name}));
    }
}

#[test]
fn either_credential_form_becomes_a_hidden_header() {
    let bearer = credential(json!({"bearer": "hunter2"}));
    let (name, value) = bearer.header().unwrap();
    assert_eq!(
        (name.as_str(), value.to_str().unwrap()),
        ("authorization", "Bearer hunter2")
    );
    let own = credential(json!({"header": {"name": "X-Api-Key", "value": "hunter2"}}));
    let (name, value) = own.header().unwrap();
    assert_eq!((name.as_str(), value.to_str().unwrap()), ("x-api-key", "hunter2"));
    assert!(!format!("{bearer:?} {own:?} {value:?}").contains("hunter2"));
    for (json, expected) in [
        (json!({"bearer": "hunter2\n"}), InvalidAddress::Token),
        (
            json!({"header": {"name": "X Key", "value": "x"}}),
            InvalidAddress::Header,
        ),
        (
            json!({"header": {"name": "X-Key", "value": "hunter2\r\n"}}),
            InvalidAddress::Token,
        ),
    ] {
        assert_eq!(credential(json).header().unwrap_err(), expected);
    }
}

#[test]
fn a_credential_never_crosses_a_network_in_clear() {
    let token = credential(json!({"bearer": "hunter2"}));
    for (address, with, without) in [
        ("https://siem.example.com/in", true, true),
        ("http://127.0.0.1:8088/in", true, true),
        ("http://siem.example.com/in", false, true),
        ("ftp://siem.example.com/in", false, false),
    ] {
        assert_eq!(receiver(address, Some(&token)).is_ok(), with, "{address}");
        assert_eq!(receiver(address, None).is_ok(), without, "{address}");
    }
}

#[test]
fn only_a_complete_client_error_refuses_the_batch() {
    let error = |advice, http_status| CallError {
        action: Action::SiemPostEvents,
        class: FailureClass::InvalidResponse,
        advice,
        sent: true,
        http_status,
        message: "x".to_owned(),
    };
    let retry = Advice::Retry {
        after: Some(Duration::from_secs(7)),
    };
    for (advice, status, refused) in [
        (Advice::Permanent, Some(400), true),
        (Advice::Permanent, Some(413), true),
        (Advice::Permanent, Some(422), true),
        (Advice::Ambiguous, Some(400), false), // the answer broke off
        (Advice::Ambiguous, Some(200), false),
        (retry, Some(503), false),
        (Advice::Permanent, None, false),
        (retry, None, false),
    ] {
        match delivery_error(error(advice, status)) {
            DeliveryError::Refused { .. } => assert!(refused, "{advice:?} {status:?}"),
            DeliveryError::Unavailable { retry_after, .. } => {
                assert!(!refused, "{advice:?} {status:?}");
                assert_eq!(retry_after, advice.after());
            }
        }
    }
}

struct Answering(Result<(), DeliveryError>);

impl Destination for Answering {
    fn name(&self) -> &'static str {
        "syslog"
    }

    fn deliver(&mut self, _: &[Outgoing<'_>]) -> Result<(), DeliveryError> {
        self.0.clone()
    }
}

#[test]
fn blocking_delivery_has_one_announcement_and_one_entry() {
    let context = Context::new(ActorType::PollCycle, Uuid::from_u128(7));
    let batch = [4, 5].map(|position| Outgoing {
        position,
        id: Uuid::from_u128(u128::from(position)),
        line: "{}",
    });
    let refused = DeliveryError::Unavailable {
        class: FailureClass::Timeout,
        message: "no answer".to_owned(),
        retry_after: None,
    };
    for answer in [Ok(()), Err(refused)] {
        let (writer, lines) = Writer::memory("test", Arc::new(FixedClock(Timestamp::UNIX_EPOCH)));
        let destination = Box::new(Answering(answer.clone()));
        let mut audited = Audited::syslog(destination, "tcp://siem.example.com:514", writer);
        assert_eq!(audited.deliver(&context, &batch), answer);
        let (entries, intents) = (lines.entries(), lines.intents());
        assert_eq!((entries.len(), intents.len()), (1, 1));
        assert_eq!(entries[0]["id"], intents[0]["id"]);
        assert_eq!(entries[0]["action"], "siem.syslog.send_events");
        assert_eq!(
            entries[0]["target"],
            json!({"resource_type": "audit_receiver", "id": "tcp://siem.example.com:514"})
        );
        assert_eq!(entries[0]["details"]["entries"], 2);
        assert_eq!(entries[0]["details"]["first_position"], 4);
        assert_eq!(entries[0]["details"]["last_position"], 5);
        assert_eq!(
            entries[0]["error"],
            answer.err().map_or(json!(null), |_| json!("timeout"))
        );
    }
}
