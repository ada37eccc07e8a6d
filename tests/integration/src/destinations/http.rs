//! The HTTP destination against the double of a SIEM.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::arrivals::compare;
use audit::FailureClass;
use audit_delivery::{Credentials, DeliveryError, Destination as _, HttpDestination, HttpOptions, SetupError};
use doubles::siem::{self, SiemDouble};
use doubles::{Fault, Stub};
use model::SystemClock;
use secrecy::SecretString;
use serde_json::json;

use super::audit_entries::{AuditEntries, unavailable};

const TOKEN: &str = "token-that-must-not-leak";

fn options() -> HttpOptions {
    HttpOptions {
        timeout: Duration::from_secs(2),
        ..HttpOptions::default()
    }
}

fn to(siem: &SiemDouble, options: HttpOptions) -> HttpDestination {
    let endpoint = format!("{}/audit", siem.url()).parse().unwrap();
    HttpDestination::new(endpoint, options, Arc::new(SystemClock)).unwrap()
}

fn with(credentials: Credentials) -> HttpOptions {
    HttpOptions {
        credentials: Some(credentials),
        ..options()
    }
}

#[tokio::test]
async fn batch_is_one_request_with_the_printed_lines() {
    let siem = siem::start().await;
    let entries = AuditEntries::new(3);
    to(&siem, options()).deliver(&entries.batch()).unwrap();
    to(&siem, options()).deliver(&[]).unwrap();
    let requests = siem.requests();
    let [request] = requests.as_slice() else {
        panic!("{requests:?}");
    };
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/audit"));
    assert_eq!(request.headers["content-type"], "application/json");
    assert!(request.headers["idempotency-key"].starts_with("1-3-"));
    assert!(request.headers["user-agent"].starts_with("countersign/"));
    for absent in ["authorization", "cookie", "accept-encoding"] {
        assert!(!request.headers.contains_key(absent), "{absent}");
    }
    let lines: Vec<serde_json::Value> = entries
        .lines()
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(request.body, json!(lines));
}

#[tokio::test]
async fn every_entry_arrives_whatever_goes_wrong() {
    use FailureClass::{NetworkError, RateLimit, ServerError, Timeout};
    let entries = AuditEntries::new(60);
    for (what, stub, expected) in [
        ("500", Stub::answering("POST", "/audit", 500, "broken"), ServerError),
        (
            "503",
            Stub::answering("POST", "/audit", 503, "").header("retry-after", 1),
            ServerError,
        ),
        (
            "429",
            Stub::answering("POST", "/audit", 429, "").header("retry-after", 1),
            RateLimit,
        ),
        (
            "closed before it is taken",
            Stub::failing("POST", "/audit", Fault::Reset),
            NetworkError,
        ),
        (
            "taken, then closed",
            Stub::failing("POST", "/audit", Fault::PostThenReset),
            NetworkError,
        ),
        (
            "half an answer",
            Stub::failing("POST", "/audit", Fault::Half),
            NetworkError,
        ),
        ("no answer", Stub::failing("POST", "/audit", Fault::Hang), Timeout),
        (
            "taken, no answer",
            Stub::failing("POST", "/audit", Fault::PostThenHang),
            Timeout,
        ),
    ] {
        let siem = siem::start().await;
        siem.stub(stub.times(2)).unwrap();
        let mut destination = to(
            &siem,
            HttpOptions {
                timeout: Duration::from_millis(400),
                ..options()
            },
        );
        let (aside, failures) = entries.send(&mut destination, 20);
        assert!(aside.is_empty(), "{what}");
        assert_eq!(failures, [expected; 2], "{what}");
        compare(&entries.ids(), &siem.ids()).unwrap_or_else(|missing| panic!("{what}: {missing}"));
    }
}

#[tokio::test]
async fn batch_with_a_lost_answer_is_kept_once() {
    let siem = siem::start().await;
    let entries = AuditEntries::new(10);
    siem.stub(Stub::failing("POST", "/audit", Fault::PostThenReset).times(1))
        .unwrap();
    entries.send(&mut to(&siem, options()), 10);
    assert_eq!(siem.requests().len(), 2);
    assert_eq!(
        siem.requests()[0].headers["idempotency-key"],
        siem.requests()[1].headers["idempotency-key"]
    );
    assert_eq!(siem.world(|world| world.repeated), 10);
    compare(&entries.ids(), &siem.ids()).unwrap();
}

#[tokio::test]
async fn receiver_losing_an_entry_fails_the_check() {
    let siem = siem::start().await;
    let entries = AuditEntries::new(10);
    let lost = entries.ids()[4];
    siem.world(|world| world.lost.insert(lost.to_string()));
    entries.send(&mut to(&siem, options()), 3);
    let missing = compare(&entries.ids(), &siem.ids()).unwrap_err();
    assert!(missing.contains(&lost.to_string()), "{missing}");
}

#[tokio::test]
async fn refused_entries_are_found_and_others_arrive() {
    let siem = siem::start().await;
    let entries = AuditEntries::new(40);
    let refused = [entries.ids()[0], entries.ids()[17], entries.ids()[39]];
    siem.world(|world| {
        world.refused = refused.iter().map(ToString::to_string).collect();
        world.largest = Some(15);
    });
    let (aside, _) = entries.send(&mut to(&siem, options()), 40);
    assert_eq!(aside, refused);
    let rest: Vec<_> = entries.ids().into_iter().filter(|id| !refused.contains(id)).collect();
    compare(&rest, &siem.ids()).unwrap();
}

#[tokio::test]
async fn the_receiver_says_how_long_to_wait() {
    let siem = siem::start().await;
    for (value, expected) in [("7", 7), ("86400", 3600), ("Sun, 01 Mar 2020 12:00:00 GMT", 0)] {
        siem.stub(Stub::answering("POST", "/audit", 429, "").header("retry-after", value))
            .unwrap();
        let result = to(&siem, options()).deliver(&AuditEntries::new(1).batch());
        let Err(DeliveryError::Unavailable { retry_after, .. }) = result else {
            panic!("{result:?}");
        };
        assert_eq!(retry_after, Some(Duration::from_secs(expected)), "{value}");
    }
}

#[tokio::test]
async fn bearer_token_or_header_authenticates_the_sender() {
    let siem = siem::start().await;
    let entries = AuditEntries::new(1);
    siem.world(|world| world.token = Some(TOKEN.to_owned()));
    assert_eq!(
        unavailable(to(&siem, options()).deliver(&entries.batch())).0,
        FailureClass::AuthFailure
    );
    to(&siem, with(Credentials::Bearer(SecretString::from(TOKEN))))
        .deliver(&entries.batch())
        .unwrap();
    siem.world(|world| {
        world.token = None;
        world.header = Some(("dd-api-key".to_owned(), TOKEN.to_owned()));
    });
    let header = Credentials::Header {
        name: "DD-API-KEY".to_owned(),
        value: SecretString::from(TOKEN),
    };
    to(&siem, with(header)).deliver(&entries.batch()).unwrap();
    assert_eq!(siem.entries().len(), 1);
}

#[tokio::test]
async fn failures_reveal_neither_token_nor_address() {
    let siem = siem::start().await;
    let closed = { TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap() };
    let mut seen = String::new();
    for base in [
        siem.url(),
        format!("http://{closed}"),
        "https://localhost:1".to_owned(),
        "http://localhost.invalid".to_owned(),
    ] {
        for stub in [
            Stub::answering("POST", "/secret-path", 401, TOKEN),
            Stub::answering("POST", "/secret-path", 400, TOKEN),
            Stub::failing("POST", "/secret-path", Fault::Reset),
        ] {
            siem.stub(stub).unwrap();
            let endpoint = format!("{base}/secret-path?key=secret-query").parse().unwrap();
            let options = with(Credentials::Bearer(SecretString::from(TOKEN)));
            match HttpDestination::new(endpoint, options, Arc::new(SystemClock)) {
                Ok(mut destination) => {
                    let error = destination.deliver(&AuditEntries::new(1).batch()).unwrap_err();
                    seen = format!("{seen}{error} {error:?} {destination:?}\n");
                }
                Err(error) => seen = format!("{seen}{error} {error:?}\n"),
            }
        }
    }
    assert!(seen.contains("401") && seen.contains("refused"), "{seen}");
    for secret in [TOKEN, "secret-path", "secret-query"] {
        assert!(!seen.contains(secret), "{secret} in {seen}");
    }
}

#[tokio::test]
async fn unsafe_credentials_are_rejected_before_sending() {
    let bearer = |token: &str| Credentials::Bearer(SecretString::from(token));
    let header = |name: &str| Credentials::Header {
        name: name.to_owned(),
        value: SecretString::from("x"),
    };
    let built = |endpoint: &str, credentials| {
        HttpDestination::new(endpoint.parse().unwrap(), with(credentials), Arc::new(SystemClock)).map(drop)
    };
    assert!(matches!(
        built("http://siem.example.com/", bearer("x")),
        Err(SetupError::CredentialsInClear)
    ));
    assert!(built("https://siem.example.com/", bearer("x")).is_ok());
    for unusable in [
        bearer("a\nb"),
        header(""),
        header("a b"),
        header("Host"),
        header("content-length"),
    ] {
        let result = built("https://siem.example.com/", unusable);
        assert!(matches!(result, Err(SetupError::CredentialsUnusable)), "{result:?}");
    }
}

#[tokio::test]
async fn redirects_and_cookies_are_ignored() {
    let (siem, other) = (siem::start().await, siem::start().await);
    for status in [301, 303, 307, 308] {
        let elsewhere = Stub::answering("POST", "/audit", status, "")
            .header("location", format!("{}/audit", other.url()))
            .header("set-cookie", "session=1");
        siem.stub(elsewhere).unwrap();
        let mut destination = to(&siem, with(Credentials::Bearer(SecretString::from(TOKEN))));
        for _ in 0..2 {
            let (class, message) = unavailable(destination.deliver(&AuditEntries::new(1).batch()));
            assert_eq!(class, FailureClass::InvalidResponse);
            assert!(message.contains("redirects are not followed"), "{message}");
        }
    }
    assert_eq!(other.requests(), []);
    assert!(
        siem.requests()
            .iter()
            .all(|request| !request.headers.contains_key("cookie"))
    );
}

#[tokio::test]
async fn long_answer_is_accepted_without_reading_it_all() {
    let siem = siem::start().await;
    let body = "x".repeat(8 * 1024 * 1024);
    siem.stub(Stub::answering("POST", "/audit", 200, body)).unwrap();
    let mut destination = to(&siem, options());
    for _ in 0..3 {
        destination.deliver(&AuditEntries::new(1).batch()).unwrap();
    }
}

#[test]
fn closing_or_silent_receiver_fails_within_the_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let patience = Duration::from_millis(400);
    let options = HttpOptions {
        timeout: patience,
        ..options()
    };
    let mut destination = HttpDestination::new(endpoint, options, Arc::new(SystemClock)).unwrap();
    let entries = AuditEntries::new(2000);
    let closing = std::thread::spawn(move || {
        drop(listener.accept().unwrap());
        listener
    });
    assert_eq!(
        unavailable(destination.deliver(&entries.batch())).0,
        FailureClass::NetworkError
    );
    let _listener = closing.join().unwrap();
    // The receiver does not read: neither the whole body nor an answer ever passes.
    let begun = Instant::now();
    assert_eq!(
        unavailable(destination.deliver(&entries.batch())).0,
        FailureClass::Timeout
    );
    assert!(begun.elapsed() < patience * 5, "{:?}", begun.elapsed());
}
