//! What the receiver accepts over the network, and how it fails.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Instant;

use super::*;

const MESSAGE: &str = concat!(
    r#"<133>1 2026-03-02T10:15:04.231Z host webhook - webhook.auth.verify [countersign@32473 id="a" position="7"] "#,
    "\u{feff}{\"x\":\"\u{fc}\"}"
);

fn framed(message: &str) -> String {
    format!("{} {message}", message.len())
}

/// Sends the octets, ends the connection and returns whether the receiver closed it cleanly.
fn send(double: &SyslogDouble, octets: &str) -> bool {
    #[expect(clippy::disallowed_methods, reason = "the test is the client of the double")]
    let mut socket = TcpStream::connect((double.address().host.as_str(), double.address().port)).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let sent = socket
        .write_all(octets.as_bytes())
        .and_then(|()| socket.shutdown(Shutdown::Write));
    sent.is_ok() && socket.read_to_end(&mut Vec::new()).is_ok()
}

#[test]
fn messages_are_kept_as_they_arrive() {
    let double = SyslogDouble::start(Transport::Tcp);
    assert!(send(&double, &framed(MESSAGE).repeat(3)));
    let messages = double.messages();
    assert_eq!(messages.len(), 3);
    let expected = Message {
        id: "a".to_owned(),
        position: "7".to_owned(),
        timestamp: Some("2026-03-02T10:15:04.231Z".parse().unwrap()),
        hostname: Some("host".to_owned()),
        app_name: Some("webhook".to_owned()),
        msg_id: Some("webhook.auth.verify".to_owned()),
        text: "{\"x\":\"\u{fc}\"}".to_owned(),
    };
    assert_eq!(messages[0], expected);
    assert_eq!(double.malformed(), [""; 0]);
}

#[test]
fn malformed_messages_are_reported() {
    let double = SyslogDouble::start(Transport::Tcp);
    for octets in [
        "<133>1 - - - - - - no count\n".to_owned(),
        framed("<13>1 - - - - - - of another facility"),
        framed("<133>1 - - - - - - without structured data"),
        framed(&MESSAGE.replace('\u{feff}', "")),
        framed(&MESSAGE.replace("position", "place")),
        "08 <133>1 -".to_owned(),
    ] {
        let before = double.malformed().len();
        send(&double, &octets);
        assert_eq!(double.malformed().len(), before + 1, "{octets:?}");
    }
    assert_eq!(double.messages(), []);
}

#[test]
fn scripted_faults_end_and_connections_recover() {
    let double = SyslogDouble::start(Transport::Tcp);
    let whole = framed(MESSAGE);
    double.script([
        Fault::CloseAfter(whole.len() + 1),
        Fault::NeverClose,
        Fault::NeverRead,
        Fault::EndFirst,
    ]);
    assert!(!send(&double, &whole.repeat(2)), "closed with the second unread");
    assert_eq!(double.messages().len(), 1);
    assert!(!send(&double, &whole), "never closed");
    assert!(!send(&double, &whole), "never read");
    assert_eq!(double.messages().len(), 2);
    assert!(send(&double, &whole));
    assert!(send(&double, &whole));
    assert_eq!((double.messages().len(), double.connections()), (4, 5));
}

#[test]
fn dropped_messages_are_not_listed() {
    let double = SyslogDouble::start(Transport::Udp);
    double.lose("a");
    #[expect(clippy::disallowed_methods, reason = "the test is the client of the double")]
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let receiver = (double.address().host.as_str(), double.address().port);
    socket.send_to(MESSAGE.as_bytes(), receiver).unwrap();
    socket
        .send_to(MESSAGE.replace("\"a\"", "\"b\"").as_bytes(), receiver)
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while double.messages().is_empty() {
        assert!(Instant::now() < deadline, "no datagram arrived");
        std::thread::yield_now();
    }
    assert_eq!(double.messages()[0].id, "b");
}
