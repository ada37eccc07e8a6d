//! Paginated lists (<https://docs.gitlab.com/api/rest/#pagination>).

use audit::{Action, Context, FailureClass, Target};
use reqwest::header::LINK;
use serde::de::DeserializeOwned;
use url::Url;

use super::GitLab;
use crate::error::CallProblem;
use crate::http::HttpResponse;
use crate::{Advice, CallError, address};

/// Rows per page: GitLab's maximum.
const PER_PAGE: &str = "100";

/// Most pages that are read: ten thousand rows, beyond any merge request or security team.
const MOST_PAGES: usize = 100;

/// One page, and the address of the next one.
#[derive(Debug)]
pub(super) struct ListPage<T> {
    pub(super) content: T,
    pub(super) next: Option<Url>,
    /// How far GitLab's clock is ahead of ours, in whole seconds, by its `Date` header; 0 if it sends none.
    pub(super) clock_offset_seconds: i64,
}

impl GitLab {
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        context: &Context,
        action: Action,
        target: &Target,
        mut url: Url,
    ) -> Result<Vec<T>, CallError> {
        url.query_pairs_mut().append_pair("per_page", PER_PAGE);
        let mut rows = Vec::new();
        let mut next = Some(url);
        for _ in 0..MOST_PAGES {
            let Some(url) = next else { return Ok(rows) };
            let page: ListPage<Vec<T>> = self.page(context, action, target, url).await?;
            rows.extend(page.content);
            next = page.next;
        }
        if next.is_none() {
            return Ok(rows);
        }
        Err(CallError {
            action,
            class: FailureClass::InvalidResponse,
            advice: Advice::Permanent,
            sent: true,
            http_status: None,
            message: format!("the list has more than {MOST_PAGES} pages"),
        })
    }
}

/// The next page: by number at our own address if GitLab counts pages (its links contain its *external* address, which may differ
/// from ours), else by its link if that is within the API.
pub(super) fn next_page(base: &Url, current: &Url, answer: &HttpResponse) -> Result<Option<Url>, CallProblem> {
    if let Some(number) = answer.header("x-next-page").filter(|number| !number.is_empty()) {
        let number: u32 = number
            .parse()
            .map_err(|_| answer.unreadable("x-next-page is not a number"))?;
        return Ok(Some(with_page(current, number)));
    }
    let links = answer.headers.get_all(LINK);
    let Some(link) = links.iter().filter_map(|value| value.to_str().ok()).find_map(next_link) else {
        return Ok(None);
    };
    let url = current
        .join(link)
        .map_err(|_| answer.unreadable("the link to the next page is not a valid address"))?;
    if address::within(base, &url) {
        Ok(Some(url))
    } else {
        let problem = answer.unreadable("the link to the next page points outside the API and was not followed");
        Err(CallProblem {
            advice: Advice::Permanent,
            ..problem
        })
    }
}

fn with_page(current: &Url, number: u32) -> Url {
    let mut url = current.clone();
    let kept = current.query_pairs().filter(|(name, _)| name != "page");
    url.query_pairs_mut()
        .clear()
        .extend_pairs(kept)
        .append_pair("page", &number.to_string());
    url
}

/// The address of `rel="next"` in a `Link` header (RFC 8288).
fn next_link(header: &str) -> Option<&str> {
    header.split('<').skip(1).find_map(|link| {
        let (url, parameters) = link.split_once('>')?;
        let is_next = parameters.split([';', ',']).any(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or_default();
            name.trim().eq_ignore_ascii_case("rel") && value.trim().trim_matches('"') == "next"
        });
        is_next.then_some(url)
    })
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

    use super::*;
    use crate::error::Safety;

    fn follow(headers: &[(&'static str, &str)]) -> Result<Option<String>, CallProblem> {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect();
        let received_at = jiff::Timestamp::UNIX_EPOCH;
        let answer = HttpResponse {
            status: 200,
            headers,
            body: vec![],
            received_at,
            safety: Safety::Reads,
        };
        let base = Url::parse("https://gitlab.example.com/api/v4/").unwrap();
        let current = base.join("groups/7/members?per_page=100&page=2").unwrap();
        Ok(next_page(&base, &current, &answer)?.map(String::from))
    }

    #[test]
    fn next_page_is_found_by_number_or_link() {
        let by_number = "https://gitlab.example.com/api/v4/groups/7/members?per_page=100&page=3";
        let keyset = "https://gitlab.example.com/api/v4/groups/7/members?cursor=abc";
        for (headers, expected) in [
            (vec![], None),
            (vec![("x-next-page", "")], None),
            (vec![("x-next-page", "3")], Some(by_number)),
            // With numbered pages, a link to the external address is ignored.
            (
                vec![
                    ("x-next-page", "3"),
                    ("link", "<http://intern.example/api/v4/x?page=3>; rel=\"next\""),
                ],
                Some(by_number),
            ),
            (
                vec![(
                    "link",
                    "<https://gitlab.example.com/api/v4/groups/7/members?cursor=abc>; rel=\"next\"",
                )],
                Some(keyset),
            ),
            (
                vec![(
                    "link",
                    "<https://a.example/>; rel=\"prev\", </api/v4/groups/7/members?cursor=abc>; rel=next",
                )],
                Some(keyset),
            ),
            (
                vec![(
                    "link",
                    "<https://a.example/>; rel=\"first\", <https://a.example/>; rel=\"last\"",
                )],
                None,
            ),
            (vec![("link", "nonsense")], None),
        ] {
            assert_eq!(follow(&headers).unwrap().as_deref(), expected, "{headers:?}");
        }
    }

    #[test]
    fn a_next_page_elsewhere_is_not_followed() {
        for headers in [
            [("link", "<https://evil.example/api/v4/groups/7/members>; rel=\"next\"")],
            [(
                "link",
                "<http://gitlab.example.com/api/v4/groups/7/members>; rel=\"next\"",
            )],
            [("link", "</users/sign_in>; rel=\"next\"")],
            [("x-next-page", "../../evil")],
        ] {
            assert!(follow(&headers).is_err(), "{headers:?}");
        }
    }
}
