//! The variables, separately and together.

use secrecy::ExposeSecret as _;

use super::*;

const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318");

fn read_settings(pairs: &[(&str, &str)]) -> (Option<OtlpSettings>, Vec<String>) {
    let mut env = Environment::from_pairs(pairs.iter().copied());
    let settings = OtlpSettings::from_environment(&mut env, "webhook");
    let problems = env.finish().err();
    let problems = problems.iter().flat_map(crate::config::ConfigError::problems);
    (settings, problems.map(ToString::to_string).collect())
}

fn good(pairs: &[(&str, &str)]) -> OtlpSettings {
    let (settings, problems) = read_settings(pairs);
    assert_eq!(problems, Vec::<String>::new());
    settings.unwrap()
}

fn attribute<'a>(settings: &'a OtlpSettings, name: &str) -> Option<&'a str> {
    let named: Vec<_> = settings.resource.0.iter().filter(|(known, _)| known == name).collect();
    assert!(named.len() <= 1, "{named:?}");
    named.first().map(|(_, value)| value.as_str())
}

#[test]
fn without_an_endpoint_or_disabled_there_is_nothing() {
    for pairs in [
        &[][..],
        &[
            ("OTEL_SERVICE_NAME", "countersign"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "a=b"),
        ],
        &[ENDPOINT, ("OTEL_SDK_DISABLED", "true")],
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", "")],
    ] {
        let (settings, problems) = read_settings(pairs);
        assert!(settings.is_none() && problems.is_empty(), "{pairs:?}: {problems:?}");
    }
}

#[test]
fn path_is_added_only_to_the_common_endpoint() {
    for (pairs, expected) in [
        (&[ENDPOINT][..], "http://127.0.0.1:4318/v1/traces"),
        (
            &[("OTEL_EXPORTER_OTLP_ENDPOINT", "https://otlp.example.com/team/")],
            "https://otlp.example.com/team/v1/traces",
        ),
        (
            &[
                ENDPOINT,
                ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://otlp.example.com/in"),
            ],
            "https://otlp.example.com/in",
        ),
    ] {
        assert_eq!(good(pairs).destination.url.as_str(), expected);
    }
}

#[test]
fn headers_are_decoded_and_never_shown() {
    let settings = good(&[
        ENDPOINT,
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=hunter2%3D, x-team = blue ,"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "API-Key=hunter3"),
    ]);
    let shown = format!("{settings:?}");
    assert!(!shown.contains("hunter"), "{shown}");
    let headers = settings.destination.headers.iter();
    let headers: Vec<_> = headers
        .map(|(name, value)| (name.as_str(), value.expose_secret()))
        .collect();
    assert_eq!(headers, [("x-team", "blue"), ("API-Key", "hunter3")]);
}

#[test]
fn service_name_has_default_and_overrides() {
    let lambda = ("AWS_LAMBDA_FUNCTION_NAME", "countersign-prod-webhook");
    let settings = good(&[ENDPOINT, lambda]);
    assert_eq!(attribute(&settings, "service.name"), Some("countersign-webhook"));
    assert_eq!(attribute(&settings, "faas.name"), Some("countersign-prod-webhook"));
    let attributes = (
        "OTEL_RESOURCE_ATTRIBUTES",
        "service.name=a,deployment.environment.name=pro%20duction",
    );
    let settings = good(&[ENDPOINT, attributes]);
    assert_eq!(attribute(&settings, "service.name"), Some("a"));
    assert_eq!(attribute(&settings, "deployment.environment.name"), Some("pro duction"));
    let settings = good(&[ENDPOINT, attributes, ("OTEL_SERVICE_NAME", "b")]);
    assert_eq!(attribute(&settings, "service.name"), Some("b"));
}

#[test]
fn sampler_and_timeout_have_defaults_and_overrides() {
    let settings = good(&[ENDPOINT, ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")]);
    assert_eq!(
        (settings.sampler, settings.timeout.as_millis()),
        (Sampler::default(), 500)
    );
    let settings = good(&[
        ENDPOINT,
        ("OTEL_TRACES_SAMPLER", "traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.1"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "200"),
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "100"),
    ]);
    assert_eq!(
        (settings.sampler, settings.timeout.as_millis()),
        (Sampler::named("traceidratio", Some(0.1)).unwrap(), 100)
    );
}

#[test]
fn every_problem_is_reported_together_without_a_key() {
    let wrong = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "grpc://collector:4317"),
        (
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            "https://me:hunter2@otlp.example.com",
        ),
        ("OTEL_EXPORTER_OTLP_HEADERS", "hunter2"),
        (
            "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
            "api-key=hunter2%0D%0Ahost: elsewhere",
        ),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10000"),
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "0"),
        ("OTEL_RESOURCE_ATTRIBUTES", "a"),
        ("OTEL_TRACES_SAMPLER", "xray"),
        ("OTEL_TRACES_SAMPLER_ARG", "2"),
        ("OTEL_SDK_DISABLED", "perhaps"),
    ];
    let (settings, problems) = read_settings(&wrong);
    assert!(settings.is_none());
    assert_eq!(problems.len(), wrong.len(), "{problems:#?}");
    for (name, _) in wrong {
        assert!(
            problems.iter().any(|problem| problem.starts_with(name)),
            "{name}: {problems:#?}"
        );
    }
    assert!(
        problems.iter().all(|problem| !problem.contains("hunter2")),
        "{problems:#?}"
    );
}
