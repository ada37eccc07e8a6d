//! Whether and where spans are exported, from OpenTelemetry's own variables.
//!
//! <https://opentelemetry.io/docs/specs/otel/protocol/exporter/>,
//! <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>. Variables for traces come first.

use std::time::Duration;

use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use trace::{ExportDestination, Resource, Sampler};
use url::Url;

use crate::config::Environment;

/// Time limit of one export, in milliseconds. The specification's ten seconds would delay the answer of an invocation whose
/// collector is down; GitLab's timeout is ten.
const DEFAULT_TIMEOUT_MS: u64 = 500;

/// Where spans go, and which spans are exported.
#[derive(Debug, Clone)]
pub struct OtlpSettings {
    pub destination: ExportDestination,
    /// Time limit of one export.
    pub timeout: Duration,
    /// Which traces are kept.
    pub sampler: Sampler,
    /// Attributes of every span of this process.
    pub resource: Resource,
}

impl OtlpSettings {
    /// Reads the settings; `None` if there is no endpoint or `OTEL_SDK_DISABLED` is set. Problems are recorded in `env`.
    pub fn from_environment(env: &mut Environment, service: &str) -> Option<Self> {
        // Everything is read before any decision: a problem is reported even while tracing is off.
        let url = endpoint(env);
        let headers = headers(env);
        json_only(env);
        let (timeout, sampler, resource) = (timeout(env), sampler(env), resource(env, service));
        let disabled = env.flag("OTEL_SDK_DISABLED", false);
        let url = url.filter(|_| !disabled)?;
        Some(Self {
            destination: ExportDestination { url, headers },
            timeout,
            sampler,
            resource,
        })
    }
}

/// The address for traces as it is, or `v1/traces` below the common one.
fn endpoint(env: &mut Environment) -> Option<Url> {
    let mut read = |name: &str| {
        let url = env.url(name)?;
        if url.username().is_empty() && url.password().is_none() {
            return Some(url);
        }
        env.problem(
            name,
            "contains a user or password; set credentials in OTEL_EXPORTER_OTLP_HEADERS",
        );
        None
    };
    let traces = read("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
    let common = read("OTEL_EXPORTER_OTLP_ENDPOINT").map(|mut url| {
        let path = format!("{}/v1/traces", url.path().trim_end_matches('/'));
        url.set_path(&path);
        url
    });
    traces.or(common)
}

/// Headers for traces are added to the common ones and replace those of the same name.
fn headers(env: &mut Environment) -> Vec<(String, SecretString)> {
    let mut headers: Vec<(String, SecretString)> = Vec::new();
    for name in ["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"] {
        for (header, value) in pairs(env, name) {
            headers.retain(|(known, _)| !known.eq_ignore_ascii_case(&header));
            headers.push((header, value.into()));
        }
    }
    headers
}

/// `name=value,name=value`, values percent-encoded (<https://www.w3.org/TR/baggage/#header-content>). A problem does not repeat the
/// text, which may be a key.
fn pairs(env: &mut Environment, name: &str) -> Vec<(String, String)> {
    let text = env.optional(name).unwrap_or_default();
    let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    let pairs: Option<Vec<_>> = entries
        .map(|entry| {
            let (name, value) = entry.split_once('=')?;
            let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
            let usable = !name.trim().is_empty() && !value.chars().any(char::is_control);
            usable.then(|| (name.trim().to_owned(), value.into_owned()))
        })
        .collect();
    pairs.unwrap_or_else(|| {
        env.problem(
            name,
            "must be a comma-separated list of name=value with percent-encoded values",
        );
        Vec::new()
    })
}

fn json_only(env: &mut Environment) {
    for name in ["OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] {
        env.parsed(name, |text| match text {
            "http/json" => Ok(()),
            _ => Err("must be http/json, the only supported protocol"),
        });
    }
}

fn timeout(env: &mut Environment) -> Duration {
    let common = env.number("OTEL_EXPORTER_OTLP_TIMEOUT", DEFAULT_TIMEOUT_MS, 10..=5_000);
    Duration::from_millis(env.number("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", common, 10..=5_000))
}

fn sampler(env: &mut Environment) -> Sampler {
    let ratio = env.parsed("OTEL_TRACES_SAMPLER_ARG", |text| match text.parse::<f64>() {
        Ok(ratio) if (0.0..=1.0).contains(&ratio) => Ok(ratio),
        _ => Err("is not a number from 0 to 1"),
    });
    env.parsed("OTEL_TRACES_SAMPLER", |name| Sampler::named(name, ratio))
        .unwrap_or_default()
}

/// <https://opentelemetry.io/docs/specs/semconv/resource/faas/>
fn resource(env: &mut Environment, service: &str) -> Resource {
    let mut attributes = vec![
        ("service.name".to_owned(), format!("countersign-{service}")),
        ("service.version".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
        ("cloud.provider".to_owned(), "aws".to_owned()),
    ];
    for (attribute, name) in [
        ("cloud.region", "AWS_REGION"),
        ("faas.name", "AWS_LAMBDA_FUNCTION_NAME"),
        ("faas.version", "AWS_LAMBDA_FUNCTION_VERSION"),
    ] {
        attributes.extend(env.optional(name).map(|value| (attribute.to_owned(), value)));
    }
    attributes.extend(pairs(env, "OTEL_RESOURCE_ATTRIBUTES"));
    let own_name = env.optional("OTEL_SERVICE_NAME");
    attributes.extend(own_name.map(|name| ("service.name".to_owned(), name)));
    // The last one of a name wins.
    let mut resource: Vec<(String, String)> = Vec::new();
    for (name, value) in attributes {
        resource.retain(|(known, _)| *known != name);
        resource.push((name, value));
    }
    Resource(resource)
}

#[cfg(test)]
mod tests;
