//! Paged lists: `limit` and an opaque `cursor`; the next page is in `_links.next` and the header `Link`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::refusal::Refusal;
use super::{Answer, Received};

const DEFAULT_LIMIT: usize = 25;
const HIGHEST_LIMIT: usize = 250;

/// The requested page of all entries, which are sorted and have an `id`.
pub(super) fn page(request: &Received, entries: Vec<Value>) -> Result<Answer, Refusal> {
    let limit = match request.query_parameter("limit") {
        None => DEFAULT_LIMIT,
        Some(text) => match text.parse() {
            Ok(limit) if (1..=HIGHEST_LIMIT).contains(&limit) => limit,
            _ => return Err(Refusal::wrong_type(&text, "limit", "Integer between 1 and 250")),
        },
    };
    let skipped = match request.query_parameter("cursor") {
        None => 0,
        Some(cursor) => after(&entries, &cursor).ok_or_else(|| Refusal::wrong_type(&cursor, "cursor", "Cursor"))?,
    };
    let more = entries.len() > skipped + limit;
    let results: Vec<_> = entries.into_iter().skip(skipped).take(limit).collect();
    let mut links = json!({"base": format!("{}/wiki", request.base_url())});
    let next = results
        .last()
        .filter(|_| more)
        .map(|last| next_page_link(request, &last["id"]));
    if let Some(next) = &next {
        links["next"] = json!(next);
    }
    let answer = Answer::json(StatusCode::OK, &json!({"results": results, "_links": links}));
    Ok(match next {
        Some(next) => answer.with_header("link", &format!("<{next}>; rel=\"next\"")),
        None => answer,
    })
}

/// Number of entries before the cursor.
fn after(entries: &[Value], cursor: &str) -> Option<usize> {
    let place: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let passed = number(&place["id"])?;
    Some(
        entries
            .iter()
            .take_while(|entry| number(&entry["id"]).is_some_and(|id| id <= passed))
            .count(),
    )
}

fn number(id: &Value) -> Option<u64> {
    id.as_str()?.parse().ok()
}

/// The same request after `last`, relative to the site.
fn next_page_link(request: &Received, last: &Value) -> String {
    let cursor = URL_SAFE_NO_PAD.encode(json!({"id": last}).to_string());
    let query = request.query().unwrap_or_default();
    let kept = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != "cursor");
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(kept)
        .append_pair("cursor", &cursor)
        .finish();
    format!("{}?{query}", request.path())
}
