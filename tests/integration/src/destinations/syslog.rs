//! The syslog destination against a receiver double with an independent message parser.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::arrivals::compare;
use audit::FailureClass;
use audit_delivery::settings::{SyslogAddress, Transport};
use audit_delivery::{DeliveryError, Destination as _, Outgoing, SetupError, SyslogDestination, SyslogOptions};
use doubles::syslog::{Fault, SyslogDouble};
use uuid::Uuid;

use super::audit_entries::{AuditEntries, unavailable};

const STREAMS: [Transport; 2] = [Transport::Tcp, Transport::Tls];

fn options(receiver: &SyslogDouble) -> SyslogOptions {
    SyslogOptions {
        hostname: Some("audit-1".to_owned()),
        private_ca_pem: receiver.ca_pem().map(str::to_owned),
        timeout: Duration::from_secs(2),
        ..SyslogOptions::default()
    }
}

/// A destination that uses every guarantee of TLS.
fn to(receiver: &SyslogDouble) -> SyslogDestination {
    let options = SyslogOptions {
        requires_close_notify: true,
        ..options(receiver)
    };
    SyslogDestination::new(receiver.address().clone(), options).unwrap()
}

fn ids(receiver: &SyslogDouble) -> Vec<String> {
    receiver.messages().into_iter().map(|message| message.id).collect()
}

#[test]
fn a_batch_arrives_whole_over_every_transport() {
    for transport in [Transport::Udp, Transport::Tcp, Transport::Tls] {
        let receiver = SyslogDouble::start(transport);
        let entries = AuditEntries::new(20);
        to(&receiver).deliver(&entries.batch()).unwrap();
        // Over streams everything has arrived when acknowledged; datagrams are still under way.
        let deadline = Instant::now() + Duration::from_secs(10);
        while transport == Transport::Udp && receiver.messages().len() < 20 && Instant::now() < deadline {
            std::thread::yield_now();
        }
        compare(&entries.ids(), &ids(&receiver)).unwrap();
        let messages = receiver.messages();
        assert_eq!(receiver.malformed(), [""; 0]);
        assert_eq!(
            messages.iter().map(|message| message.text.as_str()).collect::<Vec<_>>(),
            entries.lines()
        );
        let first = &messages[0];
        assert_eq!(first.position, "1");
        assert_eq!(first.hostname.as_deref(), Some("audit-1"));
        assert_eq!(first.app_name.as_deref(), Some("processor"));
        assert_eq!(first.msg_id.as_deref(), Some("gitlab.api.get_mr_details"));
        let entry: serde_json::Value = serde_json::from_str(&first.text).unwrap();
        assert_eq!(
            format!("{:.3}", first.timestamp.unwrap()),
            entry["timestamp"].as_str().unwrap()
        );
    }
}

#[test]
fn every_entry_arrives_however_connections_end() {
    use FailureClass::{InvalidResponse, NetworkError, Timeout};
    let entries = AuditEntries::new(300);
    for transport in STREAMS {
        for (fault, expected) in [
            (Fault::CloseImmediately, Some(NetworkError)),
            (Fault::CloseAfter(1), Some(NetworkError)),
            (Fault::CloseAfter(30_000), Some(NetworkError)),
            (Fault::NeverClose, Some(Timeout)),
            (Fault::NeverRead, Some(Timeout)),
            (
                Fault::NoCloseNotify,
                (transport == Transport::Tls).then_some(NetworkError),
            ),
            (Fault::Slow(Duration::from_millis(1)), None),
            (Fault::EndFirst, None),
            (Fault::Answer, Some(InvalidResponse)),
        ] {
            let receiver = SyslogDouble::start(transport);
            receiver.script([fault, fault]);
            let mut destination = to(&receiver);
            let (aside, failures) = entries.send(&mut destination, 100);
            assert!(aside.is_empty());
            match expected {
                Some(class) => assert_eq!(failures, [class; 2], "{transport:?} {fault:?}"),
                None => assert_eq!(failures, [], "{transport:?} {fault:?}"),
            }
            compare(&entries.ids(), &ids(&receiver))
                .unwrap_or_else(|missing| panic!("{transport:?} {fault:?}: {missing}"));
        }
    }
}

#[test]
fn receiver_closing_at_any_point_fails_the_batch() {
    let entries = AuditEntries::new(5);
    // Not over TLS: there the receiver's library takes a whole record, and a clean end after it proves that it was read.
    for transport in [Transport::Tcp] {
        let receiver = SyslogDouble::start(transport);
        let mut destination = to(&receiver);
        destination.deliver(&entries.batch()).unwrap();
        let all: usize = receiver.messages().iter().map(|message| message.text.len()).sum();
        for octets in (1..all).step_by(97) {
            receiver.script([Fault::CloseAfter(octets)]);
            let result = destination.deliver(&entries.batch());
            assert!(result.is_err(), "{transport:?} closed after {octets} octets");
        }
    }
}

#[test]
fn missing_close_notify_is_accepted_unless_required() {
    let receiver = SyslogDouble::start(Transport::Tls);
    receiver.script([Fault::NoCloseNotify; 2]);
    let entries = AuditEntries::new(20);
    let mut lenient = SyslogDestination::new(receiver.address().clone(), options(&receiver)).unwrap();
    lenient.deliver(&entries.batch()).unwrap();
    compare(&entries.ids(), &ids(&receiver)).unwrap();
    let (_, message) = unavailable(to(&receiver).deliver(&entries.batch()));
    assert!(message.contains("without close_notify"), "{message}");
}

#[test]
fn interrupted_batch_is_repeated_with_the_same_ids() {
    for transport in STREAMS {
        let receiver = SyslogDouble::start(transport);
        let entries = AuditEntries::new(10);
        receiver.script([Fault::CloseAfter(4000)]);
        entries.send(&mut to(&receiver), 10);
        assert!(receiver.messages().len() > 10, "some came twice");
        compare(&entries.ids(), &ids(&receiver)).unwrap();
    }
}

#[test]
fn receiver_losing_an_entry_fails_the_check() {
    let receiver = SyslogDouble::start(Transport::Tls);
    let entries = AuditEntries::new(10);
    receiver.lose(&entries.ids()[6]);
    entries.send(&mut to(&receiver), 4);
    let missing = compare(&entries.ids(), &ids(&receiver)).unwrap_err();
    assert!(missing.contains(&entries.ids()[6].to_string()), "{missing}");
}

#[test]
fn a_receiver_that_is_away_is_waited_for() {
    for transport in STREAMS {
        let receiver = SyslogDouble::start(transport);
        let mut destination = to(&receiver);
        drop(receiver);
        assert_eq!(
            unavailable(destination.deliver(&AuditEntries::new(1).batch())).0,
            FailureClass::NetworkError
        );
    }
    let nowhere = SyslogAddress {
        transport: Transport::Tcp,
        host: "localhost.invalid".to_owned(),
        port: 601,
    };
    let mut destination = SyslogDestination::new(nowhere, SyslogOptions::default()).unwrap();
    let (class, message) = unavailable(destination.deliver(&AuditEntries::new(1).batch()));
    assert_eq!(class, FailureClass::NetworkError);
    assert!(
        message.contains("tcp://localhost.invalid:601: host name cannot be resolved"),
        "{message}"
    );
}

#[test]
fn time_is_bounded_however_slow_the_receiver_is() {
    for transport in STREAMS {
        let receiver = SyslogDouble::start(transport);
        receiver.script([Fault::Slow(Duration::from_millis(300))]);
        let options = SyslogOptions {
            timeout: Duration::from_millis(200),
            ..options(&receiver)
        };
        let mut destination = SyslogDestination::new(receiver.address().clone(), options).unwrap();
        let begun = Instant::now();
        let (class, message) = unavailable(destination.deliver(&AuditEntries::new(50).batch()));
        assert_eq!(class, FailureClass::Timeout, "{message}");
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    }
}

#[test]
fn only_known_authorities_and_matching_names_are_trusted() {
    let receiver = SyslogDouble::start(Transport::Tls);
    let stranger = SyslogDouble::start(Transport::Tls);
    for (private_ca_pem, host) in [
        (None, "localhost"),
        (stranger.ca_pem(), "localhost"),
        (receiver.ca_pem(), "127.0.0.1"),
    ] {
        let address = SyslogAddress {
            host: host.to_owned(),
            ..receiver.address().clone()
        };
        let options = SyslogOptions {
            private_ca_pem: private_ca_pem.map(str::to_owned),
            ..SyslogOptions::default()
        };
        let mut destination = SyslogDestination::new(address, options).unwrap();
        let (class, message) = unavailable(destination.deliver(&AuditEntries::new(1).batch()));
        assert_eq!(class, FailureClass::NetworkError);
        assert!(
            message.contains("TLS failed") && message.contains("certificate"),
            "{message}"
        );
    }
    assert_eq!(receiver.messages(), []);
    let unnamed = SyslogAddress {
        host: "under_score..".to_owned(),
        ..receiver.address().clone()
    };
    let refused = SyslogDestination::new(unnamed, SyslogOptions::default());
    assert!(matches!(refused, Err(SetupError::HostName)));
}

#[test]
fn receiver_without_tls_gets_nothing_in_clear() {
    let clear = SyslogDouble::start(Transport::Tcp);
    let address = SyslogAddress {
        transport: Transport::Tls,
        host: "localhost".to_owned(),
        ..clear.address().clone()
    };
    let options = SyslogOptions {
        timeout: Duration::from_millis(500),
        ..SyslogOptions::default()
    };
    unavailable(
        SyslogDestination::new(address, options)
            .unwrap()
            .deliver(&AuditEntries::new(1).batch()),
    );
    assert_eq!(clear.messages(), []);
}

#[test]
fn large_entries_pass_streams_but_not_datagrams() {
    let line = serde_json::json!({ "x": "y".repeat(65_000) }).to_string();
    let large = Outgoing {
        position: 2,
        id: Uuid::now_v7(),
        line: &line,
    };
    let small = AuditEntries::new(1);
    let batch = [small.batch()[0], large];
    for transport in STREAMS {
        let receiver = SyslogDouble::start(transport);
        to(&receiver).deliver(&batch).unwrap();
        assert_eq!(receiver.messages()[1].text, line);
    }
    let receiver = SyslogDouble::start(Transport::Udp);
    let longer = serde_json::json!({ "x": "y".repeat(65_400) }).to_string();
    let batch = [small.batch()[0], Outgoing { line: &longer, ..large }];
    let result = to(&receiver).deliver(&batch);
    assert!(matches!(result, Err(DeliveryError::Refused { .. })), "{result:?}");
    // The rejected one does not block the others, and nothing was sent twice to find it.
    to(&receiver).deliver(&batch[..1]).unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while receiver.messages().is_empty() && Instant::now() < deadline {
        std::thread::yield_now();
    }
    compare(&small.ids(), &ids(&receiver)).unwrap();
    assert_eq!(receiver.messages().len(), 1);
}

#[test]
fn local_datagram_without_a_listener_fails() {
    let port = { TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port() };
    let address = SyslogAddress {
        transport: Transport::Udp,
        host: "127.0.0.1".to_owned(),
        port,
    };
    let mut destination = SyslogDestination::new(address, SyslogOptions::default()).unwrap();
    // On this machine the rejection arrives immediately; over a network there may be none.
    assert_eq!(
        unavailable(destination.deliver(&AuditEntries::new(3).batch())).0,
        FailureClass::NetworkError
    );
}
