//! The storage format of a body: what it allows, and what is malformed.

use super::{create, error, refused, update};
use crate::confluence::{start, storage};

#[tokio::test]
async fn malformed_body_is_refused() {
    let confluence = start().await;
    let reply = create(&confluence, "Register", "<p>This page<p>");
    assert_eq!(
        error(&reply),
        refused(
            400,
            "INVALID_REQUEST_PARAMETER",
            "Error parsing xhtml: Unexpected close tag </xml>; expected </p>.\n at [row,col {unknown-source}]: [1,16]"
        )
    );
    assert_eq!(update(&confluence, "98305", "Security Home", 2, "<br>").status, 400);
    assert_eq!(confluence.pages().len(), 1);
}

#[test]
fn storage_format_allows_undeclared_prefixes_and_html_entities() {
    for body in [
        "",
        "plain",
        "<p>a</p><p>b</p>",
        "<p>&nbsp;&rsquo;&mdash;&lt;&amp;&#8212;&#x2014;</p>",
        r#"<ac:structured-macro ac:name="info" ac:local-id="x"><ac:rich-text-body/></ac:structured-macro>"#,
        r#"<ac:link><ri:page ri:content-title="A &amp; B"/><ac:link-body><![CDATA[<b> & c]]></ac:link-body></ac:link>"#,
        "<!-- a comment --><hr/><table><tbody><tr><td colspan=\"2\"><br /></td></tr></tbody></table>",
        "<p>größer 🚀</p>",
    ] {
        assert_eq!(storage::check(body), Ok(()), "{body}");
    }
    for (body, problem) in [
        ("<p>", "Unexpected close tag </xml>; expected </p>."),
        ("<p><b></p></b>", "Unexpected close tag </p>; expected </b>."),
        ("</br>", "Unexpected close tag </br>; expected </xml>."),
        ("<p>a & b</p>", ""),
        ("<p>a &b</p>", ""),
        ("<p>&apples;</p>", "Undeclared general entity \"apples\""),
        ("<p title=\"&apples;\"/>", "Undeclared general entity \"apples\""),
        ("<p title=\"a & b\"/>", ""),
        ("<p title=\"a < b\"/>", "Unexpected character '<' (code 60)"),
        ("<p title=a/>", ""),
        ("<input checked>", "Unexpected character '>' (code 62) expected '='"),
        ("<p a=\"1\" a=\"2\"/>", ""),
        ("<x:p/>", "Undeclared namespace prefix \"x\""),
        ("<p x:a=\"1\"/>", "Undeclared namespace prefix \"x\""),
        ("<p>1 < 2</p>", ""),
        ("<1/>", ""),
        ("<p>a\u{1}</p>", "Illegal character ((CTRL-CHAR, code 1))"),
        ("<p>&#1;</p>", "Illegal character entity"),
        ("<p>]]></p>", "String ']]>' not allowed"),
        ("<!-- a -- b -->", ""),
        ("<![CDATA[a", ""),
        ("<?xml version=\"1.0\"?><p/>", ""),
        ("<!DOCTYPE p><p/>", ""),
    ] {
        let said = storage::check(body).expect_err(body);
        assert!(said.starts_with("Error parsing xhtml: "), "{body}: {said}");
        assert!(said.contains(problem), "{body}: {said}");
    }
    let said = storage::check("<p>\n<b>x</i>\n</p>").unwrap_err();
    assert!(said.ends_with(" at [row,col {unknown-source}]: [2,9]"), "{said}");
}
