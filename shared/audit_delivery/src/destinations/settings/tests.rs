//! The variables: valid values, and that every problem is reported without repeating a value.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

fn read_variables(variables: &[(&str, &str)]) -> Result<DestinationSettings, Vec<String>> {
    let variables: HashMap<&str, &str> = variables.iter().copied().collect();
    DestinationSettings::read(|name| variables.get(name).map(|text| (*text).to_owned()))
        .map_err(|DestinationProblems(problems)| problems.iter().map(ToString::to_string).collect())
}

#[test]
fn defaults_to_stdout() {
    assert_eq!(read_variables(&[]), Ok(DestinationSettings::default()));
    let empty = VARIABLES.map(|name| (name, " "));
    assert_eq!(read_variables(&empty), Ok(DestinationSettings::default()));
}

#[test]
fn reads_several_destinations() {
    let settings = read_variables(&[
        (DESTINATION, "stdout, FILE,syslog , http"),
        (FILE_PATH, "/var/log/countersign/audit.jsonl"),
        (SYSLOG_ADDRESS, "tcp+tls://logs.example.com:6514"),
        (HTTP_ENDPOINT, "https://siem.example.com/services/collector?index=audit"),
    ])
    .unwrap();
    assert!(settings.enabled && settings.stdout);
    assert_eq!(settings.file, Some(PathBuf::from("/var/log/countersign/audit.jsonl")));
    assert_eq!(settings.syslog.unwrap().to_string(), "tcp+tls://logs.example.com:6514");
    assert_eq!(
        settings.http.unwrap().as_str(),
        "https://siem.example.com/services/collector?index=audit"
    );
}

#[test]
fn unnamed_destination_is_not_configured() {
    let settings = read_variables(&[
        (DESTINATION, "file"),
        (FILE_PATH, "/a"),
        (HTTP_ENDPOINT, "invalid, but not used"),
    ])
    .unwrap();
    assert!(!settings.stdout);
    assert_eq!((settings.syslog, settings.http), (None, None));
}

#[test]
fn disabled_means_that_nothing_is_forwarded() {
    for off in ["false", "FALSE", "0", "no", "off"] {
        let settings = read_variables(&[(ENABLED, off), (DESTINATION, "stdout,file"), (FILE_PATH, "/a")]).unwrap();
        let nothing = DestinationSettings {
            enabled: false,
            stdout: false,
            ..DestinationSettings::default()
        };
        assert_eq!(settings, nothing);
    }
    for on in ["true", "1", "Yes", "on"] {
        assert!(read_variables(&[(ENABLED, on)]).unwrap().enabled);
    }
}

#[test]
fn every_problem_is_reported_with_its_variable() {
    let problems = read_variables(&[
        (ENABLED, "perhaps"),
        (DESTINATION, "file,sylog,syslog,,http,file"),
        (SYSLOG_ADDRESS, "logs.example.com:514"),
        (HTTP_ENDPOINT, "ftp://siem.example.com"),
    ])
    .unwrap_err();
    assert_eq!(
        problems,
        [
            "AUDIT_LOG_ENABLED must be true or false",
            "AUDIT_LOG_DESTINATION names the unknown destination \"sylog\"; the destinations are stdout, file, syslog and http",
            "AUDIT_LOG_DESTINATION names an empty destination; the destinations are stdout, file, syslog and http",
            "AUDIT_LOG_DESTINATION names file twice",
            "AUDIT_LOG_FILE_PATH is not set, but AUDIT_LOG_DESTINATION names file",
            "AUDIT_LOG_SYSLOG_ADDRESS must be udp://host:port, tcp://host:port or tcp+tls://host:port",
            "AUDIT_LOG_HTTP_ENDPOINT is not an http or https address",
        ]
    );
}

#[test]
fn a_secret_in_any_variable_is_never_repeated() {
    const SECRET: &str = "hunter2hunter2";
    for (name, text) in [
        (ENABLED, SECRET.to_owned()),
        (DESTINATION, format!("Bearer {SECRET}")),
        (DESTINATION, format!("https://user:{SECRET}@siem.example.com")),
        (FILE_PATH, SECRET.to_owned()),
        (SYSLOG_ADDRESS, format!("tcp://user:{SECRET}@logs.example.com:514")),
        (SYSLOG_ADDRESS, format!("tcp://logs.example.com:514/{SECRET}")),
        (HTTP_ENDPOINT, format!("https://user:{SECRET}@siem.example.com/")),
        (HTTP_ENDPOINT, format!("https://{SECRET}@siem.example.com/")),
        (HTTP_ENDPOINT, format!("https://siem.example.com/#{SECRET}")),
        (HTTP_ENDPOINT, format!("https://[{SECRET}]/")),
    ] {
        let mut variables = vec![(DESTINATION, "file,syslog,http"), (name, text.as_str())];
        variables.dedup_by_key(|(name, _)| *name);
        let problems = read_variables(&variables).unwrap_err().join("; ");
        assert!(problems.contains(name), "{problems}");
        assert!(!problems.contains(SECRET), "{problems}");
    }
}

#[test]
fn file_paths_are_absolute_and_name_a_file() {
    for (path, good) in [
        ("/var/log/audit.jsonl", true),
        ("/a b/ü", true),
        ("audit.jsonl", false),
        ("./audit.jsonl", false),
        ("/var/log/", false),
        ("/", false),
        ("/var/..", false),
    ] {
        assert_eq!(
            read_variables(&[(DESTINATION, "file"), (FILE_PATH, path)]).is_ok(),
            good,
            "{path}"
        );
    }
}

#[test]
fn syslog_addresses_name_transport_host_and_port() {
    for (text, expected) in [
        ("udp://127.0.0.1:514", Some((Transport::Udp, "127.0.0.1", 514))),
        (
            "tcp://Logs.Example.com:601/",
            Some((Transport::Tcp, "logs.example.com", 601)),
        ),
        (
            "tcp+tls://[2001:db8::7]:6514",
            Some((Transport::Tls, "2001:db8::7", 6514)),
        ),
        ("TCP+TLS://host_1:6514", Some((Transport::Tls, "host_1", 6514))),
        ("tcp://host", None),
        ("tcp://host:0", None),
        ("tcp://host:65536", None),
        ("tcp://:514", None),
        ("tcp://ho st:514", None),
        ("tcp://h%6Fst:514", None),
        ("tls://host:6514", None),
        ("udp:127.0.0.1:514", None),
        ("tcp://host:514?x", None),
        ("tcp://host:514#x", None),
        ("tcp://user@host:514", None),
    ] {
        let read: Option<SyslogAddress> = text.parse().ok();
        let expected = expected.map(|(transport, host, port)| SyslogAddress {
            transport,
            host: host.to_owned(),
            port,
        });
        assert_eq!(read, expected, "{text}");
        if let Some(address) = expected {
            assert_eq!(
                address.to_string().parse(),
                Ok(address),
                "it is displayed as it is parsed"
            );
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(values in prop::array::uniform5(".{0,40}")) {
        let pairs: Vec<(&str, &str)> = VARIABLES.into_iter().zip(values.iter().map(String::as_str)).collect();
        if let Err(problems) = read_variables(&pairs) {
            prop_assert!(!problems.is_empty());
        }
    }
}
