//! Scheduled work: each job is a span of its run's trace; its work for a delivery belongs to the delivery's trace.

use super::{Traced, named, only};
use crate::outbox::relay;

/// A relayed effect stays in the trace of its delivery.
#[tokio::test]
async fn job_is_its_own_trace_without_its_effects() {
    let traced = Traced::new().await;
    let effect = traced.env.effect(1).await;
    traced.env.make_due(effect.id).await;
    let maintenance = traced.start("maintenance").await;
    assert_eq!(maintenance.invoke(relay()).await["effects_enqueued"], 1);
    assert_eq!(maintenance.invoke(relay()).await["effects_enqueued"], 0);

    let spans = traced.collector.spans();
    let jobs = named(&spans, "maintenance", "relay_effects");
    assert_eq!(jobs.len(), 2);
    assert_ne!(jobs[0].trace_id, jobs[1].trace_id, "each run is a separate trace");
    for job in jobs {
        assert_eq!((job.kind, job.parent.as_ref(), job.failed), (1, None, false));
        assert_eq!(job.attributes["correlation_id"].replace('-', ""), job.trace_id);
    }
    // This delivery had no trace, so its correlation id names one.
    let sent = only(&spans, "maintenance", "sqs.api.send_message");
    assert_eq!(sent.attributes["correlation_id"], effect.correlation_id.to_string());
    assert_eq!(sent.trace_id, effect.correlation_id.simple().to_string());
}
