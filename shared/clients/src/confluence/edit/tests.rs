use super::*;
use crate::testing::{approved, correction_of, exception};

const LIMIT: usize = 1_000_000;

fn wording() -> Wording {
    Wording::default()
}

fn changed(body: &str, merge: &MergeSummary) -> String {
    match edit(body, merge, &wording(), LIMIT).unwrap() {
        Edit::Body(body) => body,
        other => panic!("{other:?}"),
    }
}

/// Asserts that nothing of `before` was changed: `after` is `before` with one piece inserted. Returns the piece.
fn inserted<'a>(before: &str, after: &'a str) -> &'a str {
    let same = |(one, other): &(u8, u8)| one == other;
    let mut prefix = before.bytes().zip(after.bytes()).take_while(same).count();
    // If the piece ends as it begins, an earlier position fits too; elements are inserted whole.
    while prefix > 0 && !after[..after.len() - (before.len() - prefix)].ends_with('>') {
        prefix -= 1;
    }
    let rest = before.len() - prefix;
    assert_eq!(
        before[prefix..],
        after[after.len() - rest..],
        "something else was changed"
    );
    &after[prefix..after.len() - rest]
}

/// The sentence as escaped in a body.
fn escaped(merge: &MergeSummary) -> String {
    merge.sentence(&wording()).replace('\'', "&apos;")
}

fn other(iid: i64) -> MergeSummary {
    let mut merge = approved();
    merge.row.merge_request.mr_iid = model::MergeRequestIid(iid);
    merge.row.web_url = format!("https://gitlab.example.com/payments/gateway/-/merge_requests/{iid}");
    merge.reference = uuid::Uuid::from_u128(iid.unsigned_abs().into());
    merge.decision_id = uuid::Uuid::from_u128(u128::from(iid.unsigned_abs()) << 8);
    merge
}

#[test]
fn new_page_is_the_template_with_row() {
    let page = first(&approved(), &wording()).unwrap();
    insta::assert_snapshot!(inserted(TEMPLATE, &page));
}

#[test]
fn an_existing_row_is_not_added_again() {
    let page = first(&approved(), &wording()).unwrap();
    assert_eq!(edit(&page, &approved(), &wording(), LIMIT).unwrap(), Edit::None);
    assert_eq!(
        edit(&page, &approved(), &wording(), 1).unwrap(),
        Edit::None,
        "not even a full page is left for another"
    );
}

#[test]
fn rows_keep_their_order_of_arrival() {
    let mut page = TEMPLATE.to_owned();
    for iid in 1..=20 {
        let next = changed(&page, &other(iid));
        inserted(&page, &next);
        page = next;
    }
    let places: Vec<_> = (1..=20).map(|iid| page.find(&format!("!{iid}<")).unwrap()).collect();
    assert!(places.is_sorted());
    assert_eq!(page.matches("<tr>").count(), 21);
}

#[test]
fn manual_edits_stay_byte_for_byte() {
    let ours = first(&other(1), &wording()).unwrap();
    let by_people = ours
        .replace("<table ", "<h2 >Notes&nbsp;&ndash; 2026</h2 ><ac:structured-macro ac:name=\"toc\" /><table ac:local-id='t-1' ")
        .replacen("<tr>", "<tr ac:local-id=\"r-1\" >", 1)
        .replace("</tr></tbody>", "<td><p>looked&nbsp;at, see <![CDATA[<tr>]]></p></td></tr><tr><td colspan=\"8\"><table><tbody><tr><td>a table of theirs</td></tr></tbody></table></td></tr></tbody>");
    let after = changed(&by_people, &other(2));
    let row = inserted(&by_people, &after);
    assert!(row.starts_with("<tr>") && row.ends_with("</tr>"), "{row}");
    assert!(
        after.ends_with(&format!("{row}</tbody></table>")),
        "not within a table of theirs: {after}"
    );
}

#[test]
fn table_is_found_by_headings_or_else_created() {
    let anchor = "<ac:structured-macro ac:name=\"anchor\" ac:schema-version=\"1\"><ac:parameter ac:name=\"\">countersign-audit-table</ac:parameter></ac:structured-macro>";
    let without = format!(
        "<table><tbody><tr><td>x</td></tr></tbody></table>{}",
        TEMPLATE.replace(anchor, "")
    );
    assert!(without.len() < TEMPLATE.len());
    assert!(inserted(&without, &changed(&without, &approved())).starts_with("<tr>"));
    let theirs = "<p>Our page</p><table><tbody><tr><td>x</td></tr></tbody></table>";
    let after = changed(theirs, &approved());
    assert!(after.starts_with(theirs) && after.contains("countersign-audit-table"));
    assert_eq!(edit(&after, &approved(), &wording(), LIMIT).unwrap(), Edit::None);
}

/// The number of its decision distinguishes it from other rows.
#[test]
fn row_without_anchors_is_found_by_its_link() {
    let page = first(&approved(), &wording()).unwrap();
    let start = page
        .find(
            "<ac:structured-macro ac:name=\"anchor\" ac:schema-version=\"1\"><ac:parameter ac:name=\"\">countersign-mr",
        )
        .unwrap();
    let end = page[start..].find("</ac:structured-macro>").unwrap() + start + "</ac:structured-macro>".len();
    let bare = format!("{}{}", &page[..start], &page[end..]).replace("countersign-told-", "gone-");
    assert_eq!(edit(&bare, &approved(), &wording(), LIMIT).unwrap(), Edit::None);
}

#[test]
fn merge_request_link_elsewhere_is_not_its_row() {
    let (five, twelve) = (other(5), approved());
    let link = format!("<a href=\"{}\">!12</a>", twelve.row.web_url);
    let page = first(&five, &wording()).unwrap();
    let noted = page.replace(
        "</tr></tbody>",
        &format!("<td><p>follow-up: {link}</p></td></tr></tbody>"),
    );
    let in_first = page.replace("payments/gateway!5</a>", &format!("payments/gateway!5</a> see {link}"));
    let theirs = format!("<table><tbody><tr><td>{link}</td><td>x</td></tr></tbody></table>{page}");
    for body in [noted, in_first, theirs] {
        assert_ne!(body, page);
        let after = changed(&body, &twelve);
        let row = inserted(&body, &after);
        assert!(
            row.starts_with("<tr>") && row.contains("payments/gateway!12</a>"),
            "{row}"
        );
        assert!(!after.contains("Corrected"), "{after}");
    }
}

#[test]
fn correction_is_added_once_and_removes_nothing() {
    for before in [approved(), exception()] {
        let page = first(&before, &wording()).unwrap();
        let after = correction_of(&before);
        let corrected = changed(&page, &after);
        let added = inserted(&page, &corrected);
        assert!(added.contains("Corrected on 2026-03-02T12:00:02Z: "), "{added}");
        assert!(added.contains(&escaped(&after)), "{added}");
        assert_eq!(edit(&corrected, &after, &wording(), LIMIT).unwrap(), Edit::None);
        assert_eq!(
            edit(&corrected, &before, &wording(), LIMIT).unwrap(),
            Edit::None,
            "the first text is still there"
        );
        let cell = corrected.find(added).unwrap();
        assert!(corrected[..cell].contains(&escaped(&before)));
        assert!(!corrected[cell..].starts_with("<td"), "within the cell of the verdict");
    }
}

#[test]
fn full_page_is_left_unchanged() {
    let page = first(&other(1), &wording()).unwrap();
    assert_eq!(edit(&page, &other(2), &wording(), page.len()).unwrap(), Edit::Full);
    assert_eq!(correct(&page, &other(2), &wording()).unwrap(), None);
}

#[test]
fn hostile_text_is_only_text() {
    let mut merge = approved();
    merge.row.title = "</td></tr></tbody></table><ac:structured-macro ac:name=\"html\"/>\u{0}&nbsp;".to_owned();
    merge.row.web_url = "javascript:alert(1)".to_owned();
    merge.row.project_path = "a<b>&\"c".to_owned();
    merge.row.review.labels = vec!["]]><script>".to_owned()];
    let page = changed(TEMPLATE, &merge);
    assert!(Document::parse(&page).is_ok());
    assert!(
        !page.contains("ac:name=\"html\"") && !page.contains("<script") && !page.contains("javascript:"),
        "{page}"
    );
    assert_eq!(edit(&page, &merge, &wording(), LIMIT).unwrap(), Edit::None);
}

#[test]
fn template_columns_match_the_row() {
    let document = Document::parse(TEMPLATE).unwrap();
    let headings: Vec<String> = document.elements("th").map(|heading| document.text(heading)).collect();
    let headings: Vec<&str> = headings
        .iter()
        .map(|heading| heading.trim_start_matches(TABLE))
        .collect();
    assert_eq!(headings, COLUMNS);
    assert!(table(&document).is_some());
}
