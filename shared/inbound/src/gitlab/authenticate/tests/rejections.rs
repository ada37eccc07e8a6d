//! Each rejection and its reason.

use super::*;

#[test]
fn incomplete_credentials_are_missing_credentials() {
    let timestamp = NOW.to_string();
    let good = signature(CURRENT, ID, &timestamp);
    let whole = signed(ID, &timestamp, &good);
    let cases = [
        ("nothing sent", DeliveryHeaders::default()),
        ("empty token", token("")),
        (
            "no id",
            DeliveryHeaders {
                webhook_id: None,
                ..whole
            },
        ),
        (
            "no timestamp",
            DeliveryHeaders {
                webhook_timestamp: None,
                ..whole
            },
        ),
        (
            "no signature",
            DeliveryHeaders {
                webhook_signature: None,
                ..whole
            },
        ),
    ];
    for (case, headers) in cases {
        assert_eq!(verdict(&headers).unwrap_err(), Rejection::MissingCredentials, "{case}");
    }
}

#[test]
fn what_was_not_signed_is_a_bad_signature() {
    let timestamp = NOW.to_string();
    let good = signature(CURRENT, ID, &timestamp);
    let forged = signature(STRANGER, ID, &timestamp);
    let cases = [
        ("another's key", signed(ID, &timestamp, &forged)),
        ("another id", signed("other", &timestamp, &good)),
        ("another timestamp", signed(ID, "1767225601", &good)),
        ("the same instant in another form", signed(ID, "01767225600", &good)),
    ];
    for (case, headers) in cases {
        assert_eq!(verdict(&headers).unwrap_err(), Rejection::BadSignature, "{case}");
    }
}

#[test]
fn headers_that_gitlab_does_not_send_are_malformed() {
    let timestamp = NOW.to_string();
    let good = signature(CURRENT, ID, &timestamp);
    let twice = format!("{good},{good}");
    let long = "a".repeat(129);
    let ids = ["", "a,a", "a.1767225600", "a b", "größe", &long];
    let timestamps = [
        "",
        "-1",
        "+1767225600",
        "1767225600.5",
        "1767225600,1767225600",
        "9223372036854775807",
        "99999999999999999999999",
        "١٧٦٧٢٢٥٦٠٠",
    ];
    let by_id = ids.into_iter().map(|id| signed(id, &timestamp, &good));
    let by_timestamp = timestamps.into_iter().map(|timestamp| signed(ID, timestamp, &good));
    let joined = [
        signed(ID, &timestamp, &twice),
        token("first,first"),
        DeliveryHeaders {
            webhook_id: Some("a,b"),
            ..token("first")
        },
        DeliveryHeaders {
            webhook_timestamp: Some("1,2"),
            ..token("first")
        },
    ];
    for headers in by_id.chain(by_timestamp).chain(joined) {
        assert_eq!(verdict(&headers).unwrap_err(), Rejection::Malformed, "{headers:?}");
    }
}

#[test]
fn an_unknown_token_is_a_bad_token() {
    for value in ["third", "First", "first ", "firs", "with", CURRENT] {
        assert_eq!(verdict(&token(value)).unwrap_err(), Rejection::BadToken, "{value}");
    }
}
