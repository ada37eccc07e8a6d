//! The alert after a later decision.

use super::*;

#[test]
fn a_corrected_alert_says_so_first() {
    let shown = |mark| {
        let message = corrected_alert(&exception(), mark, &Wording::default(), CHANNEL, KEY);
        within_limits(&message);
        assert_eq!(
            message.metadata["event_payload"]["key"], KEY,
            "it is still found by its key"
        );
        let body: Vec<String> = message.blocks[3..5]
            .iter()
            .map(|block| block["text"]["text"].as_str().unwrap().to_owned())
            .collect();
        let header = message.blocks[0]["text"]["text"].as_str().unwrap();
        assert_eq!(message.text.find(header), Some(0), "notifications show the mark first");
        format!("{header}\n\n{}\n\n{}", body.join("\n\n"), message.text)
    };
    insta::assert_snapshot!(shown(AlertMark::Corrected), @"
    Corrected: Merged without security approval

    *Why*
    The only approval came from the author.
    • ada approved at 2026-03-01T11:58:00Z

    *What to do*
    Please review this merge soon and record your findings.

    Corrected: Merged without security approval: Rotate the signing keys (pay/ledger !7), merged by bo. The only approval came from the author.
    ");
    insta::assert_snapshot!(shown(AlertMark::OpenAgain), @"
    Open again: Merged without security approval

    *Why*
    The only approval came from the author.
    • ada approved at 2026-03-01T11:58:00Z

    *What to do*
    Please review this merge soon and record your findings.

    Open again: Merged without security approval: Rotate the signing keys (pay/ledger !7), merged by bo. The only approval came from the author.
    ");
    insta::assert_snapshot!(shown(AlertMark::Withdrawn), @"
    Withdrawn: Merged without security approval

    *Withdrawn*
    This merge is no longer an exception. The reply to this alert gives the reason. No action is needed.

    *Reported before*
    The only approval came from the author.
    • ada approved at 2026-03-01T11:58:00Z

    Withdrawn: Merged without security approval: Rotate the signing keys (pay/ledger !7), merged by bo. This merge is no longer an exception.
    ");
}

#[test]
fn update_replaces_every_part_except_its_place() {
    let message = posted(|_| {});
    let (sent, update) = (message.to_json(), message.to_update_json("1712345678.000100"));
    assert_eq!(update["ts"], "1712345678.000100");
    for part in ["channel", "text", "blocks", "metadata"] {
        assert_eq!(update[part], sent[part], "{part}");
    }
    assert!(sent.get("thread_ts").is_none() && update.get("thread_ts").is_none());
}
