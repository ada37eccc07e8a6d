//! Text from outside in a reply.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

proptest! {
    #[test]
    fn text_from_outside_stays_within_limits_as_text(
        title in "\\PC*|[<!>@|*_ a\u{202e}]{0,400}",
        url in "https://[a-z./|<>!]{0,40}|\\PC*",
        name in "\\PC*|<!(channel|here|everyone)>|[<!>]{2000}",
    ) {
        let mut exception = exception();
        exception.title = title;
        exception.url = url;
        exception.project_path.clone_from(&name);
        let mut after = approved_by(9, Proof::Both);
        after.approvals.iter_mut().for_each(|approval| approval.user.username.clone_from(&name));
        after.reasons = ExceptionKind::ALL.map(|kind| Reason { kind, detail: name.clone() }).into();
        let before = exceptional(ExceptionKind::NoApproval);
        let change = ReportedChange {
            exception: &exception,
            decision: decision(&after, 2),
            before: Some(decision(&before, 1)),
            is_changed_again: false,
        };
        let message = exception_reply(&change, ReplyLocation::Channel, &Wording::default(), CHANNEL, KEY);
        within_limits(&message);
        let shown = texts(&message);
        let commands: usize = shown.iter().map(|text| text.matches("<!").count()).sum();
        prop_assert_eq!(commands, 1, "only our own <!date^...>");
        let links: usize = shown.iter().map(|text| text.matches('<').count()).sum();
        prop_assert!(links <= 2, "at most the title's own link in addition");
        let again: Value = serde_json::from_str(&message.to_json().to_string()).unwrap();
        prop_assert_eq!(again, message.to_json());
    }
}
