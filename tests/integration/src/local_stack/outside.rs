//! Linear and Confluence around the running stack: their contents, and a person's edits.

use serde_json::{Value, json};

use super::Stack;
use super::raw_http::request;

impl Stack {
    /// The world of a double.
    pub(crate) async fn world(&self, base: &str) -> Value {
        self.control(base, "GET", "/_double/world", &Value::Null).await
    }

    /// Puts an issue in progress into Linear.
    pub(crate) async fn linear_has(&self, issue: &str) {
        let world = json!({"issues": {issue: {"title": "Rotate the signing keys", "state": "In Progress"}}});
        self.control(&self.linear_url, "PUT", "/_double/world", &world).await;
    }

    /// Writes `note` at the beginning of the current page of this title, as the editor does: on the version that was read. `None`:
    /// the page is missing, or another writer was faster.
    pub(crate) async fn edit_page(&self, title: &str, note: &str) -> Option<String> {
        let world = self.world(&self.confluence_url).await;
        let pages = world["pages"].as_object()?;
        let (id, page) = pages.iter().find(|(_, page)| page["title"] == title)?;
        let body = format!("{note}{}", page["body"].as_str()?);
        let edit = json!({
            "id": id, "status": "current", "title": title, "body": {"representation": "storage", "value": body},
            "version": {"number": page["version"].as_u64()? + 1, "message": "by hand"},
        });
        let headers = [
            ("Host".to_owned(), "double".to_owned()),
            ("Content-Type".to_owned(), "application/json".to_owned()),
            ("Authorization".to_owned(), "Basic YW55Ym9keTphbnl0aGluZw==".to_owned()),
        ];
        let url = format!("{}/wiki/api/v2/pages/{id}", self.confluence_url);
        let reply = request("PUT", &url, &headers, edit.to_string().as_bytes()).await;
        (reply.status == 200).then(|| id.clone())
    }
}
