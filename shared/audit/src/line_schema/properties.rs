//! Everything the writer prints is read back unchanged, and any input is read without a panic.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use model::FixedClock;
use proptest::prelude::*;
use uuid::Uuid;

use super::{ParsedLine, parse_line};
use crate::{Action, ActorType, Context, Entry, FailureClass, Outcome, Target, Text, Writer};

const CLASSES: [FailureClass; 8] = FailureClass::ALL;

prop_compose! {
    fn contexts()(actor in 0..3_usize, id in any::<u128>(), trace in "(00-[0-9a-f]{32}-[0-9a-f]{16}-01|.{0,60})") -> Context {
        let actor = [ActorType::WebhookEvent, ActorType::PollCycle, ActorType::AdminAction][actor];
        Context::new(actor, Uuid::from_u128(id)).with_traceparent(Some(trace))
    }
}

prop_compose! {
    fn entries()(
        action in 0..Action::ALL.len(), context in contexts(), id in any::<String>(), instance in any::<Option<String>>(),
        class in prop::option::of(0..CLASSES.len()), micros in prop::option::of(any::<u64>()), text in any::<String>(),
        number in any::<i64>(), float in any::<f64>(), key in any::<Option<String>>(), at in 0..4_102_444_800_000_i64,
    ) -> Entry {
        let target = Target::other("thing", id);
        let target = match instance { Some(instance) => target.at(&instance), None => target };
        let outcome = class.map_or(Outcome::Success, |class| Outcome::Failure(CLASSES[class]));
        let entry = Entry::new(Action::ALL[action], &context, target, outcome);
        let entry = entry.detail("text", text).detail("number", number).detail("float", float);
        let entry = match micros { Some(micros) => entry.took(Duration::from_micros(micros)), None => entry };
        match key { Some(key) => entry.keyed(Timestamp::from_millisecond(at).unwrap(), key), None => entry }
    }
}

proptest! {
    #[test]
    fn every_entry_written_reads_back_as_itself(entry in entries(), millis in 0..4_102_444_800_000_i64) {
        let now = Timestamp::from_millisecond(millis).unwrap();
        let (writer, memory) = Writer::memory("processor", Arc::new(FixedClock(now)));
        let announced_call = writer.announce_call(entry.action, &entry.context, &entry.target);
        let announced = memory.lines().remove(0);
        let Ok(ParsedLine::Intent(intent)) = parse_line(&announced) else { panic!("expected an announcement: {announced}") };
        prop_assert_eq!((intent.id, intent.timestamp, intent.call.as_str()), (announced_call.id(), now, entry.action.as_str()));

        let number = writer.write(&entry);
        let line = memory.lines().remove(1);
        let Ok(ParsedLine::Entry(back)) = parse_line(&line) else { panic!("expected an entry: {line}") };
        prop_assert_eq!(&back.line, &line);
        prop_assert_eq!(back.action.as_str(), entry.action.as_str());
        prop_assert_eq!((back.actor_type, back.actor_id), (entry.context.actor, entry.context.correlation_id));
        prop_assert_eq!(back.correlation_id, entry.context.correlation_id);
        prop_assert_eq!(back.trace_id.as_deref(), entry.context.trace_id());
        prop_assert_eq!(back.stream, Some(number));
        prop_assert_eq!(back.duration_ms, entry.duration_ms);
        prop_assert_eq!(back.success, entry.outcome == Outcome::Success);
        prop_assert_eq!(back.error.map_or(Outcome::Success, Outcome::Failure), entry.outcome);
        prop_assert_eq!(serde_json::to_value(&back.target).unwrap(), serde_json::to_value(&entry.target).unwrap());
        prop_assert_eq!(serde_json::to_value(&back.details).unwrap(), serde_json::to_value(&entry.details).unwrap());
        // A target that is read back is equal: an announcement's target is copied to the entry that reports it.
        prop_assert_eq!(Target::from_parsed(&back.target), entry.target);
    }

    #[test]
    fn hostile_input_is_read_without_a_panic(text in any::<String>(), cut in any::<prop::sample::Index>()) {
        let _ = parse_line(&text);
        let _ = parse_line(&format!("{{\"event_type\":\"audit\",{text}}}"));
        // A real line with something inserted.
        let line = super::samples::sample_entry().to_string();
        let at = cut.index(line.len());
        let _ = parse_line(&format!("{}{text}{}", &line[..at], &line[at..]));
    }

    #[test]
    fn text_never_exceeds_its_maximum_length(text in ".{0,2000}") {
        prop_assert!(Text::new(&text).as_str().chars().count() <= Text::LONGEST);
    }
}

#[test]
fn a_pathological_line_is_read_without_a_panic() {
    for line in [
        "{\"event_type\":".repeat(10_000),
        format!("{{\"event_type\":\"audit\",\"details\":{}", "[".repeat(50_000)),
        format!("{{\"event_type\":\"audit\",\"duration_ms\":1e{}}}", "9".repeat(400)),
        "{\"event_type\":\"audit\",\"service\":\"\\ud800\"}".to_owned(),
    ] {
        let _ = parse_line(&line);
    }
}
