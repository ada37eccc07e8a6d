//! Offset paging: `page` and `per_page`, `x-*` headers and `Link` (<https://docs.gitlab.com/api/rest/#pagination>).

use http::StatusCode;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{Answer, Received};

const DEFAULT_PER_PAGE: usize = 20;
const MOST_PER_PAGE: usize = 100;

/// The requested page of `items`.
pub(super) fn page(request: &Received, items: &[Value], omit_totals: bool) -> Answer {
    let (page, per_page) = match (
        number(request, "page", 1),
        number(request, "per_page", DEFAULT_PER_PAGE),
    ) {
        (Ok(page), Ok(per_page)) => (page, per_page.min(MOST_PER_PAGE)),
        (Err(refusal), _) | (_, Err(refusal)) => return *refusal,
    };
    let pages = items.len().div_ceil(per_page).max(1);
    let rows: Vec<_> = items
        .iter()
        .skip((page - 1).saturating_mul(per_page))
        .take(per_page)
        .collect();
    let next = (page < pages).then(|| page + 1);
    let previous = (page > 1).then(|| page - 1);
    let last = (!omit_totals).then_some(pages);
    let link: Vec<_> = [("prev", previous), ("next", next), ("first", Some(1)), ("last", last)]
        .into_iter()
        .filter_map(|(relation, page)| Some(format!("<{}>; rel=\"{relation}\"", address(request, page?, per_page))))
        .collect();
    let number = |page: Option<usize>| page.map_or_else(String::new, |page| page.to_string());
    let answer = Answer::json(StatusCode::OK, &json!(rows))
        .with_header("link", &link.join(", "))
        .with_header("x-next-page", &number(next))
        .with_header("x-page", &page)
        .with_header("x-per-page", &per_page)
        .with_header("x-prev-page", &number(previous));
    if omit_totals {
        return answer;
    }
    answer
        .with_header("x-total", &items.len())
        .with_header("x-total-pages", &pages)
}

fn number(request: &Received, name: &str, otherwise: usize) -> Result<usize, Box<Answer>> {
    let refusal = |reason: &str| {
        Box::new(Answer::json(
            StatusCode::BAD_REQUEST,
            &json!({"error": format!("{name} {reason}")}),
        ))
    };
    match request.query_parameter(name).map(|value| value.parse()) {
        None => Ok(otherwise),
        Some(Ok(0)) => Err(refusal("does not have a valid value")),
        Some(Ok(number)) => Ok(number),
        Some(Err(_)) => Err(refusal("is invalid")),
    }
}

/// The absolute address of another page of the same list, the other parameters kept.
fn address(request: &Received, page: usize, per_page: usize) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    let kept = form_urlencoded::parse(request.query().unwrap_or_default().as_bytes());
    query.extend_pairs(kept.filter(|(name, _)| name != "page" && name != "per_page"));
    query
        .append_pair("page", &page.to_string())
        .append_pair("per_page", &per_page.to_string());
    format!("{}{}?{}", request.base_url(), request.path(), query.finish())
}
