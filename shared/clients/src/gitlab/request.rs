//! One `GET` to GitLab; the redirect of a moved project is followed once, on the same origin only.

use audit::{Action, Context, Target};
use reqwest::header::{HeaderValue, LOCATION};
use secrecy::ExposeSecret as _;
use serde::de::DeserializeOwned;
use url::Url;

use super::pages::{self, ListPage};
use super::{GitLab, TOKEN_HEADER};
use crate::error::CallProblem;
use crate::http::{Call, HttpResponse};
use crate::{Advice, CallError, address};

/// Result of one request.
enum Step<T> {
    Page(ListPage<T>),
    Moved(Url),
}

impl GitLab {
    /// One answer, as JSON.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        context: &Context,
        action: Action,
        target: &Target,
        url: Url,
    ) -> Result<T, CallError> {
        Ok(self.page(context, action, target, url).await?.content)
    }

    /// One answer, and the address of the next page if there is one.
    pub(super) async fn page<T: DeserializeOwned>(
        &self,
        context: &Context,
        action: Action,
        target: &Target,
        url: Url,
    ) -> Result<ListPage<T>, CallError> {
        let mut moved = false;
        let mut url = url;
        loop {
            match self.step(context, action, target, url, !moved).await? {
                Step::Page(page) => return Ok(page),
                Step::Moved(to) => (url, moved) = (to, true),
            }
        }
    }

    async fn step<T: DeserializeOwned>(
        &self,
        context: &Context,
        action: Action,
        target: &Target,
        url: Url,
        may_move: bool,
    ) -> Result<Step<T>, CallError> {
        let mut call = Call::get(action, context, target, url);
        // `new` has checked that the token is a valid header value.
        if let Ok(mut token) = HeaderValue::from_str(self.token.expose_secret()) {
            token.set_sensitive(true);
            call = call.header(TOKEN_HEADER, token);
        }
        self.http
            .send(&call, |answer| match answer.status {
                200..=299 => {
                    let next = pages::next_page(&self.base, &call.url, answer)?;
                    Ok(Step::Page(ListPage {
                        content: answer.json()?,
                        next,
                        clock_offset_seconds: answer.clock_offset_seconds(),
                    }))
                }
                301 | 307 | 308 if may_move => self.moved(&call.url, answer).map(Step::Moved),
                _ => Err(answer.refusal()),
            })
            .await
    }

    /// The new address of a moved project. GitLab answers 301 for a renamed one; the token must not go to another origin.
    fn moved(&self, from: &Url, answer: &HttpResponse) -> Result<Url, CallProblem> {
        let refuse = |why: &str| CallProblem {
            advice: Advice::Permanent,
            ..answer.unreadable(why)
        };
        let location = answer
            .header(LOCATION.as_str())
            .ok_or_else(|| refuse("redirected without a Location header"))?;
        let to = from
            .join(location)
            .map_err(|_| refuse("redirected to an invalid address"))?;
        if address::within(&self.base, &to) {
            Ok(to)
        } else {
            Err(refuse("redirected outside the API; not followed"))
        }
    }
}
