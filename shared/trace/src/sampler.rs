//! Which traces are kept.
//!
//! <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/#general-sdk-configuration>

/// Decides for each span whether it is kept. All functions decide in the same way, so a trace is kept as a whole or not at all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampler {
    /// The caller's decision applies if there is one.
    follows_parent: bool,
    /// The share of traces begun here that is kept, from 0 to 1.
    share: f64,
}

impl Default for Sampler {
    /// `parentbased_always_on`, the specification's default.
    fn default() -> Self {
        Self {
            follows_parent: true,
            share: 1.0,
        }
    }
}

impl Sampler {
    /// The sampler called `name` in `OTEL_TRACES_SAMPLER`, with `ratio` from `OTEL_TRACES_SAMPLER_ARG`.
    ///
    /// # Errors
    /// Describes the problem of the name.
    pub fn named(name: &str, ratio: Option<f64>) -> Result<Self, &'static str> {
        let (follows_parent, root) = match name.strip_prefix("parentbased_") {
            Some(root) => (true, root),
            None => (false, name),
        };
        let share = match root {
            "always_on" => 1.0,
            "always_off" => 0.0,
            "traceidratio" => ratio.unwrap_or(1.0),
            _ => return Err("must be always_on, always_off or traceidratio, optionally with the prefix parentbased_"),
        };
        Ok(Self { follows_parent, share })
    }

    /// Whether a span of this trace is kept. `parent`: the caller's decision.
    pub(crate) fn keeps(self, trace_id: u128, parent: Option<bool>) -> bool {
        match parent {
            Some(kept) if self.follows_parent => kept,
            _ => chance(trace_id) < self.share,
        }
    }
}

/// A number from 0 to below 1 from the trace id's last four bytes: the same for every span of the trace. These are random in any id
/// that follows the W3C (<https://www.w3.org/TR/trace-context-2/#random-trace-id-flag>) and in a `UUIDv7`.
fn chance(trace_id: u128) -> f64 {
    let bits = u32::try_from(trace_id & u128::from(u32::MAX)).unwrap_or(0);
    f64::from(bits) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn only_parent_based_samplers_follow_the_caller() {
        let id = Uuid::now_v7().as_u128();
        for (name, without, kept, dropped) in [
            ("always_on", true, true, true),
            ("always_off", false, false, false),
            ("parentbased_always_on", true, true, false),
            ("parentbased_always_off", false, true, false),
            ("parentbased_traceidratio", true, true, false),
        ] {
            let sampler = Sampler::named(name, None).unwrap();
            let decided = [None, Some(true), Some(false)].map(|parent| sampler.keeps(id, parent));
            assert_eq!(decided, [without, kept, dropped], "{name}");
        }
        assert_eq!(Sampler::named("parentbased_always_on", None), Ok(Sampler::default()));
        assert!(Sampler::named("jaeger_remote", None).is_err());
    }

    #[test]
    fn about_the_requested_share_of_traces_is_kept() {
        let sampler = Sampler::named("traceidratio", Some(0.25)).unwrap();
        let kept = (0..20_000)
            .filter(|_| sampler.keeps(Uuid::now_v7().as_u128(), None))
            .count();
        assert!((4_000..6_000).contains(&kept), "{kept}");
    }
}
