//! One merge request with thousands of events and the longest labels, batched with others, through the processor's own binary.

use std::time::{Duration, Instant};

use doubles::payload::MergeRequest;
use model::{ExceptionKind, VerdictOutcome};
use serde_json::{Value, json};
use tokio_postgres::types::{ToSql, Type};

use crate::env::{ALICE, AUTHOR, HIGH, PROJECT, TestEnv, at, envelope};
use crate::outbox::batch;
use crate::template::document::template;

const EVENTS: i32 = 5_000;
const LABEL_EVENTS: usize = 1_000;
/// The processor's memory in the template.
const MEBIBYTES: u64 = 512;
/// An optimised build should take 5 s; this is a debug build that shares its cores.
const LONGEST: Duration = Duration::from_secs(20);

/// 64 titles of GitLab's maximum length, with four-byte characters after the scope.
fn longest_labels() -> Vec<String> {
    let digit = |n: u32| char::from_u32(u32::from('𝟎') + n).unwrap();
    let title = |n: u32| format!("security::{}{}{}", digit(n / 10), digit(n % 10), "𝄞".repeat(243));
    (0..64).map(title).collect()
}

/// Stored events of an open merge request, a second apart. Bit `n` of an event's mask adds label `n`.
async fn store_events(env: &TestEnv, mr: &MergeRequest, mask: &str) {
    let sql = format!(
        "WITH masks AS (SELECT n, {mask} AS bits, lag({mask}) OVER (ORDER BY n) AS before FROM generate_series(1, $1) AS n),
        lists AS (SELECT n,
            ARRAY(SELECT label FROM unnest($2) WITH ORDINALITY AS l(label, i) WHERE get_bit(bits, i::int - 1) = 1) AS labels,
            ARRAY(SELECT label FROM unnest($2) WITH ORDINALITY AS l(label, i)
                WHERE get_bit(bits, i::int - 1) > get_bit(before, i::int - 1)) AS added,
            ARRAY(SELECT label FROM unnest($2) WITH ORDINALITY AS l(label, i)
                WHERE get_bit(bits, i::int - 1) < get_bit(before, i::int - 1)) AS removed
            FROM masks)
        INSERT INTO merge_request_events (id, instance, project_id, project_path, mr_id, mr_iid, mr_title, mr_url, action, state,
            actor_id, actor_username, author_id, occurred_at, occurred_at_source, received_at, labels, labels_added, labels_removed,
            system, reviewers, stale, auth_method, hook, delivery_key, payload_sha256, correlation_id, audit_stream_id,
            audit_stream_seq)
        SELECT gen_random_uuid(), 'main', $3, $4, 1, $5, CASE n % 2 WHEN 0 THEN 'Draft: Rotate' ELSE 'Rotate' END, 'https://x.example',
            'update', 'opened', 601, 'user601', 601, $6 + n * interval '1 second', 'actioned_at', $6 + n * interval '1 second',
            labels, added, removed, false, '[]', false, 'hmac_sha256', 'test', 'large-' || n, repeat('0', 64), gen_random_uuid(),
            gen_random_uuid(), n
        FROM lists"
    );
    let (project, iid) = (i64::try_from(mr.project).unwrap(), i64::try_from(mr.iid).unwrap());
    let params: [(&(dyn ToSql + Sync), Type); 6] = [
        (&EVENTS, Type::INT4),
        (&mr.labels, Type::TEXT_ARRAY),
        (&project, Type::INT8),
        (&mr.path(), Type::TEXT),
        (&iid, Type::INT8),
        (&at("08:30:00"), Type::TIMESTAMPTZ),
    ];
    let stored = env.owner().await.execute_typed(&sql, &params).await.unwrap();
    assert_eq!(stored, u64::try_from(EVENTS).unwrap());
}

/// Each label in turn is removed and added; all are on at the end.
fn label_events(mr: &MergeRequest, shown: &mut doubles::gitlab::MergeRequest) {
    for n in 0..LABEL_EVENTS {
        let rounds_left = (LABEL_EVENTS - 1 - n) / mr.labels.len();
        let action = if rounds_left.is_multiple_of(2) { "add" } else { "remove" };
        let second = at("09:00:00") + jiff::SignedDuration::from_secs(i64::try_from(n).unwrap());
        shown.label_event(action, &mr.labels[n % mr.labels.len()], AUTHOR, &second.to_string());
    }
}

fn message(mr: &MergeRequest) -> Value {
    let envelope = envelope(&mr.event("merge", AUTHOR, at("12:00:00")), &format!("merge-{}", mr.iid));
    let mut batch = batch(&json!(envelope).to_string(), &format!("main/{PROJECT}!{}", mr.iid), 1);
    batch["Records"][0].take()
}

/// The merge of a merge request with such events, in one batch with three others; prints duration and memory.
async fn decide(name: &str, mask: &str) {
    // 1. The large merge request beside three ordinary ones.
    let env = TestEnv::with_functions().await;
    let labels = longest_labels();
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    let large = MergeRequest::new(PROJECT, 1, &labels);
    let [approved, unapproved] = [2, 3].map(|iid| MergeRequest::new(PROJECT, iid, HIGH));
    let plain = MergeRequest::new(PROJECT, 4, &["backend"]);
    store_events(&env, &large, mask).await;
    env.merged(&large, |shown| label_events(&large, shown));
    env.merged(&approved, |shown| {
        shown.approved(ALICE, "2026-03-02T10:00:00.000Z");
    });
    env.merged(&unapproved, |_| ());
    env.merged(&plain, |_| ());

    // 2. One batch, measured.
    let processor = env.function_with_timeout("processor", Duration::from_mins(1)).await;
    let idle = processor.peak_memory() / 1024 / 1024;
    let records: Vec<_> = [&large, &approved, &unapproved, &plain].map(message).into();
    let began = Instant::now();
    processor.completes(json!({"Records": records})).await;
    let (took, peak) = (began.elapsed(), processor.peak_memory() / 1024 / 1024);
    eprintln!("{name}: {took:.1?}, {peak} MiB at most, {idle} MiB before");
    assert!(peak < MEBIBYTES, "{peak} MiB");
    assert!(took < LONGEST, "{took:?}");
    // 3. All four are decided and confirmed.
    let no_approval = VerdictOutcome::Exception {
        kind: ExceptionKind::NoApproval,
    };
    for (mr, expected) in [
        (&large, no_approval.clone()),
        (
            &approved,
            VerdictOutcome::Approved {
                proof: model::Proof::Api,
            },
        ),
        (&unapproved, no_approval),
        (&plain, VerdictOutcome::NotCarried),
    ] {
        let decision = env.decision(mr).await.unwrap();
        assert_eq!(
            (decision.verdict.outcome, decision.confirmed),
            (expected, true),
            "{}",
            mr.iid
        );
    }
}

#[test]
fn the_template_gives_the_measured_memory() {
    let given = &template()["Resources"]["ProcessorFunction"]["Properties"]["MemorySize"];
    assert_eq!(given, MEBIBYTES);
}

#[tokio::test]
async fn thousands_of_equal_label_lists_fit() {
    decide("equal lists", "repeat('1', 64)::bit(64)").await;
}

#[tokio::test]
async fn thousands_of_different_label_lists_fit() {
    decide("different lists", "('x' || left(md5(n::text), 16))::bit(64)").await;
}
