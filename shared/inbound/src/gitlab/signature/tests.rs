//! Signatures, with vectors of another implementation and of the specification.

use proptest::prelude::*;

use super::*;

const TOKEN: &str = "whsec_Y291bnRlcnNpZ24tdGVzdC1rZXktb2YtMzItYnl0ZXM=";
const LONG_KEY: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==";
const ID: &str = "0198c1de-7a54-7cc1-9f0a-3f1d5a6b7c8d";
const TIMESTAMP: &str = "1767225600";

fn verifies(token: &str, id: &str, timestamp: &str, body: &[u8], header: &str) -> bool {
    let token = SigningToken::parse(token).unwrap();
    Signatures::parse(header)
        .unwrap()
        .any_made_with(&token, id, timestamp, body)
}

/// Case, `[token, id, timestamp, header]`, body.
const VECTORS: [(&str, [&str; 4], &[u8]); 6] = [
    (
        "ASCII",
        [TOKEN, ID, TIMESTAMP, "v1,+RiFz2bSdeTxfdeu0rB1yS16rJOX+gPXdoxKDifYDs0="],
        br#"{"object_kind":"merge_request"}"#,
    ),
    (
        "text beyond ASCII",
        [TOKEN, ID, TIMESTAMP, "v1,3Kzp3drffubNnXryVqzbHrFgL8i9lnQPPRv5gNJqqEc="],
        r#"{"title":"Größe ✓"}"#.as_bytes(),
    ),
    (
        "no text at all",
        [TOKEN, ID, TIMESTAMP, "v1,MCIeXTiFV2eZtBnRLymEgahKYsAj9l+9rUfEF6w/tks="],
        b"\xff\xfe\x00",
    ),
    (
        "empty body, 64-byte key",
        [LONG_KEY, "a", "0", "v1,uveq/R7Ke8zKZ1m8ObG+BocfQ3KjHEmEeOmkG099p/g="],
        b"",
    ),
    (
        "Standard Webhooks' reference, 24-byte key",
        [
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ],
        br#"{"test": 2432232314}"#,
    ),
    (
        "Standard Webhooks' second reference",
        [
            "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
            "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            "1649367553",
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
        ],
        br#"{"email":"test@example.com","username":"test_user"}"#,
    ),
];

#[test]
fn signatures_made_elsewhere_verify() {
    for (case, [token, id, timestamp, header], body) in VECTORS {
        assert!(verifies(token, id, timestamp, body, header), "{case}");
        assert_eq!(
            sign(&SigningToken::parse(token).unwrap(), id, timestamp, body),
            header,
            "{case}"
        );
    }
}

#[test]
fn one_valid_signature_in_the_list_suffices() {
    let good = sign(&SigningToken::parse(TOKEN).unwrap(), ID, TIMESTAMP, b"body");
    let value = good.strip_prefix("v1,").unwrap();
    let zeros = "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let cases = [
        (good.clone(), true),
        (format!("{zeros} {good}"), true),
        (format!("{good} {zeros}"), true),
        (format!("v1a,{value} v2,x nonsense  {good} "), true),
        (zeros.to_owned(), false),
        (format!("{zeros} {zeros}"), false),
        (format!("v1a,{value}"), false),
        (format!("V1,{value}"), false),
        (format!("v2,{value}"), false),
        (value.to_owned(), false),
        ("v1,".to_owned(), false),
        (String::new(), false),
        (good[..11].to_owned(), false),
        (good.trim_end_matches('=').to_owned(), false),
        (format!("{good}="), false),
        (format!("v1,\u{e9}{value}"), false),
    ];
    for (header, expected) in cases {
        assert_eq!(verifies(TOKEN, ID, TIMESTAMP, b"body", &header), expected, "{header:?}");
    }
}

#[test]
fn two_headers_joined_by_a_gateway_are_recognised() {
    for header in ["v1,YQ==,v1,YQ==", "v1,YQ==, v1,YQ==", "v1,a,b", "v1,YQ==,"] {
        assert_eq!(Signatures::parse(header).unwrap_err(), Duplicated, "{header}");
    }
}

#[test]
fn malformed_token_is_refused_without_repeating_it() {
    let short = format!("whsec_{}", STANDARD.encode([7; 23]));
    let long = format!("whsec_{}", STANDARD.encode([7; 65]));
    let cases = [
        ("", SigningTokenError::Prefix),
        (
            "Y291bnRlcnNpZ24tdGVzdC1rZXktb2YtMzItYnl0ZXM=",
            SigningTokenError::Prefix,
        ),
        (
            "WHSEC_Y291bnRlcnNpZ24tdGVzdC1rZXktb2YtMzItYnl0ZXM=",
            SigningTokenError::Prefix,
        ),
        ("whsec_not base64 at all", SigningTokenError::Encoding),
        (
            "whsec_Y291bnRlcnNpZ24tdGVzdC1rZXktb2YtMzItYnl0ZXM",
            SigningTokenError::Encoding,
        ),
        ("whsec_", SigningTokenError::Length(0)),
        (&short, SigningTokenError::Length(23)),
        (&long, SigningTokenError::Length(65)),
    ];
    for (text, expected) in cases {
        let error = SigningToken::parse(text).unwrap_err();
        assert_eq!(error, expected, "{text}");
        assert!(text.len() < 10 || !error.to_string().contains(&text[6..]));
    }
    assert!(SigningToken::parse(&format!(" {TOKEN}\n")).is_ok());
    assert!(
        !format!("{:?}", SigningToken::parse(TOKEN).unwrap()).contains("99"),
        "the key's bytes are not printed"
    );
}

proptest! {
    #[test]
    fn any_changed_byte_invalidates_the_signature(
        id in "[a-z0-9-]{1,40}",
        timestamp in "[0-9]{1,12}",
        body in proptest::collection::vec(any::<u8>(), 1..200),
        at in any::<prop::sample::Index>(),
        flip in 1..=255_u8,
    ) {
        let header = sign(&SigningToken::parse(TOKEN).unwrap(), &id, &timestamp, &body);
        prop_assert!(verifies(TOKEN, &id, &timestamp, &body, &header));

        let mut other = body.clone();
        other[at.index(body.len())] ^= flip;
        prop_assert!(!verifies(TOKEN, &id, &timestamp, &other, &header));

        let change = |text: &str| {
            let mut bytes = text.as_bytes().to_vec();
            let index = at.index(bytes.len());
            bytes[index] = if bytes[index] == b'0' { b'1' } else { b'0' };
            String::from_utf8(bytes).unwrap()
        };
        prop_assert!(!verifies(TOKEN, &change(&id), &timestamp, &body, &header));
        prop_assert!(!verifies(TOKEN, &id, &change(&timestamp), &body, &header));
    }

    #[test]
    fn no_header_panics(header in any::<String>(), body in proptest::collection::vec(any::<u8>(), 0..100)) {
        if let Ok(signatures) = Signatures::parse(&header) {
            let token = SigningToken::parse(TOKEN).unwrap();
            prop_assert!(!signatures.any_made_with(&token, &header, &header, &body));
        }
        let _ = SigningToken::parse(&header);
    }
}
