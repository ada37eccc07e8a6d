use proptest::prelude::*;

use super::*;

/// Everything that people and Confluence put on pages, in several spellings.
const PAGE: &str = concat!(
    "<h1 >Audit&nbsp;page</h1 >\n<!-- kept --><p style='x: \"y\"'>R&eacute;sum&#233; &amp; &lt;more&gt; <br/><br /></p>",
    r#"<ac:structured-macro ac:name="code" ac:schema-version="1" ac:macro-id="8f1"><ac:plain-text-body><![CDATA[<td>no cell</td> ]]&gt; ]]></ac:plain-text-body></ac:structured-macro>"#,
    r#"<ac:image ac:width="10"><ri:attachment ri:filename="a &amp; b.png"/></ac:image>"#,
    "<table\n  class=\"wrapped\"><tbody><tr><th>A</th></tr><tr><td><table><tbody><tr><td>inner</td></tr></tbody></table></td></tr></tbody></table>",
    "<p>\u{1f512} Größe</p>text at the end",
);

#[test]
fn a_body_is_preserved_byte_for_byte() {
    for body in [
        "",
        "text",
        "<p/>",
        "<p />",
        "<p></p>",
        "<a b='1'\tc=\"2\" >x</a >",
        "<!DOCTYPE html><p>x</p>",
        PAGE,
    ] {
        assert_eq!(Document::parse(body).unwrap().with(None, &[]).unwrap(), body);
    }
}

#[test]
fn malformed_body_is_refused() {
    for body in [
        "<p>",
        "</p>",
        "<p></b>",
        "<p><b></p></b>",
        "<p",
        "<p>x</p",
        "<!-- ",
        "<![CDATA[ x",
    ] {
        assert!(Document::parse(body).is_err(), "{body}");
    }
}

#[test]
fn elements_are_found_by_name_outside_cdata() {
    let document = Document::parse(PAGE).unwrap();
    assert_eq!(document.elements("td").count(), 2);
    let inner = document.elements("td").last().unwrap();
    assert_eq!(document.text(inner), "inner");
    let table = document.around(inner, "table").unwrap();
    assert_eq!(document.elements("table").position(|known| known == table), Some(1));
    let outer = document.around(table, "table").unwrap();
    assert_eq!(document.attribute(outer, "class").as_deref(), Some("wrapped"));
    assert_eq!(document.around(outer, "table"), None);
    let image = document.elements("ri:attachment").next().unwrap();
    assert_eq!(document.attribute(image, "ri:filename").as_deref(), Some("a & b.png"));
    let paragraph = document.elements("p").next().unwrap();
    assert_eq!(
        document.text(paragraph),
        "Rsumé & <more> ",
        "entities of HTML are left out"
    );
}

#[test]
fn insertion_goes_before_the_closing_tag() {
    let document = Document::parse("<p>a</p><b/>").unwrap();
    let added = element("i", &[("x", "\"<&")], text_events("<&>\u{0}\u{b}\u{ffff}"));
    let paragraph = document.elements("p").next();
    assert_eq!(
        document.with(paragraph, &added).unwrap(),
        "<p>a<i x=\"&quot;&lt;&amp;\">&lt;&amp;&gt;</i></p><b/>"
    );
    assert!(document.with(document.elements("b").next(), &added).is_err());
}

fn body() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        "[ a-zß\n]{0,8}",
        Just("&nbsp;".to_owned()),
        Just("&#xe9;".to_owned()),
        Just("<br />".to_owned()),
        Just("<![CDATA[<x> & ]]>".to_owned()),
        Just("<!-- <p> -->".to_owned()),
        Just("<ri:page ri:content-title='a'/>".to_owned()),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        let names = prop_oneof![Just("p"), Just("td"), Just("ac:structured-macro"), Just("table")];
        (
            names,
            prop_oneof![Just(""), Just(" a='1'"), Just("\n b=\"&amp;\" ")],
            proptest::collection::vec(inner, 0..6),
        )
            .prop_map(|(name, attributes, inside)| format!("<{name}{attributes}>{}</{name}>", inside.concat()))
    })
}

proptest! {
    #[test]
    fn well_formed_body_is_reproduced_byte_for_byte(body in body()) {
        prop_assert_eq!(Document::parse(&body).unwrap().with(None, &[]).unwrap(), body);
    }

    #[test]
    fn any_text_at_all_is_read_or_refused(body in ".{0,80}") {
        if let Ok(document) = Document::parse(&body) {
            prop_assert_eq!(document.with(None, &[]).unwrap(), body);
        }
    }
}
