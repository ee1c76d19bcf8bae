//! An HTTP answer, read whole.

use reqwest::header::HeaderMap;
use serde_json::Value;

/// Status, headers and body of one answer.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// All headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Vec<u8>,
}

/// One entry of a problem's `errors`.
#[derive(Debug, PartialEq)]
pub struct Fault {
    /// Which event of the request.
    pub index: Option<u64>,
    /// The field as the sender spelled it.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

impl Answer {
    /// Reads an answer to its end.
    pub async fn read(response: reqwest::Response) -> Self {
        Self {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.bytes().await.expect("a whole answer").to_vec(),
        }
    }

    /// The answer itself, if its status is as expected.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "answered: {}", self.text());
        self
    }

    /// A header's value, or the empty string.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a header in ASCII"))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.text()))
    }

    /// The events' ids of a 202.
    #[track_caller]
    pub fn event_ids(&self) -> Vec<String> {
        let ids = self.json()["eventIds"].take();
        serde_json::from_value(ids).expect("eventIds is a list of strings")
    }

    /// The body of an error, checked to be an RFC 9457 problem of this status.
    #[track_caller]
    pub fn problem(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "answered: {}", self.text());
        let media_type = self.header("content-type");
        assert!(
            media_type.starts_with("application/problem+json"),
            "the error came as {media_type:?}"
        );
        let problem = self.json();
        assert_eq!(problem["status"], u64::from(status), "{problem}");
        for field in ["type", "title", "detail"] {
            let text = problem[field].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "{field} is missing in {problem}");
        }
        problem
    }

    /// The faults that a 400 names.
    #[track_caller]
    pub fn faults(&self) -> Vec<Fault> {
        let problem = self.problem(400);
        let errors = problem["errors"].as_array().cloned().unwrap_or_default();
        errors
            .iter()
            .map(|error| Fault {
                index: error["index"].as_u64(),
                field: error["field"].as_str().expect("a field").to_owned(),
                message: error["message"].as_str().expect("a message").to_owned(),
            })
            .collect()
    }

    /// The one fault that a 400 names.
    #[track_caller]
    pub fn only_fault(&self) -> Fault {
        let mut faults = self.faults();
        assert_eq!(faults.len(), 1, "{faults:?}");
        faults.remove(0)
    }
}
