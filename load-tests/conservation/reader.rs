//! A reader of the service: staff who page through journeys.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use trailkeep_testkit::set_up::sign_up_body;
use trailkeep_testkit::trouble::{Trouble, While as _};

use crate::content::Content;

/// How long a page may take when nothing is wrong any more.
const PAGE_LIMIT: Duration = Duration::from_secs(30);
/// The most events that a page can have.
pub const LARGEST_PAGE: usize = 1000;
/// About so many a journey has, unless it is a long one.
const PAGES: usize = 5;
const PAUSE: Duration = Duration::from_millis(50);

/// Somebody with a session, who may read.
#[derive(Clone)]
pub struct Reader {
    http: reqwest::Client,
    url: String,
    token: String,
}

/// In which direction a journey is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    OldestFirst,
    NewestFirst,
}

/// Which page of a journey.
#[derive(Debug, Clone)]
pub struct Query {
    pub user: String,
    pub direction: Direction,
    /// Nothing that occurred before or after these, in milliseconds since the epoch.
    pub from: Option<i64>,
    pub to: Option<i64>,
    pub limit: usize,
    pub cursor: Option<String>,
}

/// What the service gave.
#[derive(Debug)]
pub struct Page {
    pub events: Vec<Read>,
    pub next: Option<String>,
}

/// An event of a page.
#[derive(Debug)]
pub struct Read {
    pub event_id: String,
    pub occurred_at: i64,
    /// `None` where a part is missing or of another type than was sent.
    pub content: Option<Content>,
}

/// Why there is no page.
#[derive(Debug)]
pub enum NoPage {
    /// Nobody listened, or the connection ended.
    NoAnswer,
    /// 503: the database cannot be asked.
    Unavailable,
    /// What must not come.
    Wrong(String),
}

/// Events on a page with which a journey of so many has several pages: what a page
/// goes on from is a bound of its own.
pub fn in_pages(events: usize) -> usize {
    events.div_ceil(PAGES).clamp(1, LARGEST_PAGE)
}

impl Reader {
    /// Makes the account of a new service, with the code of its data folder.
    pub async fn sign_up(
        http: &reqwest::Client,
        url: &str,
        folder: &Path,
    ) -> Result<Self, Trouble> {
        let doing = "signing up";
        let password = format!("a password for {:016x}", rand::random::<u64>());
        let body = sign_up_body(folder, "reader@example.com", &password, "Reader").await;
        let answer = http.post(format!("{url}/api/auth/sign-up/email")).json(&body).send().await;
        let answer = answer.and_then(reqwest::Response::error_for_status).during(doing)?;
        let answer: Value = answer.json().await.during(doing)?;
        let token = answer["session"]["token"].as_str();
        let token = token.ok_or_else(|| Trouble("a sign-up gave no token".to_owned()))?.to_owned();
        Ok(Self { http: http.clone(), url: url.to_owned(), token })
    }

    /// A page, or why there is none.
    pub async fn page(&self, query: &Query) -> Result<Page, NoPage> {
        let request = self.http.get(format!("{}{}", self.url, query.to_path()));
        let answer = request.bearer_auth(&self.token).send().await;
        let answer = answer.map_err(|_| NoPage::NoAnswer)?;
        let status = answer.status().as_u16();
        let body = answer.text().await.map_err(|_| NoPage::NoAnswer)?;
        match status {
            200 => Page::of(&body)
                .ok_or_else(|| NoPage::Wrong(format!("no page of a journey: {body:.200}"))),
            503 => Err(NoPage::Unavailable),
            _ => Err(NoPage::Wrong(format!("{status}: {body:.200}"))),
        }
    }

    /// A request of theirs, to be sent.
    pub fn ask(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.token)
    }

    /// Whether the instance at this address says that it delivers to the only processor,
    /// which may be away.
    pub async fn delivers(&self, url: &str) -> Result<bool, Trouble> {
        let doing = "asking who delivers";
        let request = self.http.get(format!("{url}/processors")).bearer_auth(&self.token);
        let answer = request.send().await.during(doing)?.error_for_status().during(doing)?;
        let processors: Value = answer.json().await.during(doing)?;
        let state = processors[0]["state"].as_str();
        let state = state.ok_or_else(|| Trouble(format!("no processors: {processors}")))?;
        Ok(state != "standing-by")
    }

    /// All of a journey, page by page, of a service with which nothing is wrong.
    pub async fn journey(&self, mut query: Query) -> Result<Vec<Read>, Trouble> {
        let mut events = Vec::new();
        loop {
            let page = self.page_in_time(&query).await?;
            events.extend(page.events);
            query.cursor = page.next;
            if query.cursor.is_none() {
                return Ok(events);
            }
        }
    }

    /// A page of such a service.
    pub async fn page_in_time(&self, query: &Query) -> Result<Page, Trouble> {
        let deadline = Instant::now() + PAGE_LIMIT;
        loop {
            match self.page(query).await {
                Ok(page) => return Ok(page),
                Err(NoPage::NoAnswer | NoPage::Unavailable) if Instant::now() < deadline => {
                    tokio::time::sleep(PAUSE).await;
                }
                Err(fault) => return Err(Trouble(format!("{query:?} was answered {fault:?}"))),
            }
        }
    }
}

impl Query {
    /// The first page of all that there is of a user.
    pub fn all_of(user: &str, direction: Direction, limit: usize) -> Self {
        let user = user.to_owned();
        Self { user, direction, from: None, to: None, limit, cursor: None }
    }

    fn to_path(&self) -> String {
        let order = match self.direction {
            Direction::OldestFirst => "asc",
            Direction::NewestFirst => "desc",
        };
        let mut path = format!("/users/{}/journey?order={order}&limit={}", self.user, self.limit);
        for (name, bound) in [("from", self.from), ("to", self.to)] {
            if let Some(time) = bound.and_then(chrono::DateTime::from_timestamp_millis) {
                let time = time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
                path.push_str(&format!("&{name}={time}"));
            }
        }
        if let Some(cursor) = &self.cursor {
            path.push_str(&format!("&cursor={cursor}"));
        }
        path
    }
}

impl Page {
    fn of(body: &str) -> Option<Self> {
        let body: Value = serde_json::from_str(body).ok()?;
        let events = body["events"].as_array()?.iter().map(Read::of).collect::<Option<_>>()?;
        Some(Self { events, next: body["nextCursor"].as_str().map(str::to_owned) })
    }
}

impl Read {
    fn of(event: &Value) -> Option<Self> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let occurred_at =
            chrono::DateTime::parse_from_rfc3339(event["occurredAt"].as_str()?).ok()?;
        let occurred_at = occurred_at.timestamp_millis();
        let event_id = text(&event["eventId"])?;
        let payload = &event["payload"];
        let content = || {
            Some(Content {
                user: text(&event["userId"])?,
                event_id: event_id.clone(),
                kind: text(&event["type"])?,
                session: text(&event["sessionId"]),
                device: text(&event["anonymousId"]),
                number: payload["number"].as_i64()?,
                filler: text(&payload["filler"])?,
                occurred_at,
            })
        };
        Some(Self { content: content(), event_id, occurred_at })
    }
}
