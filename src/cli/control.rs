//! The service that has the data folder, asked by its control socket.
//!
//! ```text
//! let Some(control) = Control::at(settings).await? else { ... };
//! let processors: Value = control.get("/processors").await?;
//! control.post::<()>("/dead-letters/retry", &json!({})).await?;
//! ```
//!
//! - *There is one, or there is none.* Where nobody listens there is none: no socket, that
//!   of a service that was killed, one that is for another user. Whoever then opens the
//!   stores is told what stands against that.
//! - *It has the database that is meant*: one whose database is another than the settings
//!   name is not asked anything.
//! - *Whoever asks is answered or told why not.* What takes long, takes long; but every ten
//!   seconds the service has to say that it lives.
//! - *The routes are those of HTTP*, and so are their answers. What the service knows as
//!   a problem is a [`Refused`].

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::net::UnixStream;
use tokio::time::{sleep, timeout};

use crate::app;
use crate::config::Settings;
use crate::http::listener::STORE;

/// How long a service may take to say that it lives.
const LIMIT: Duration = Duration::from_secs(10);

/// The pause before another try where too many wait to be accepted.
const PAUSE: Duration = Duration::from_millis(50);

/// Bytes of an answer that are read.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// How the `type` of a problem begins.
const PROBLEM: &str = "urn:trailkeep:problem:";

/// A service, by its control socket.
#[derive(Debug)]
pub struct Control {
    path: PathBuf,
    /// How long it may take to say that it lives.
    limit: Duration,
}

/// An answer that is read as it comes.
pub struct Download<'a> {
    control: &'a Control,
    body: Incoming,
}

impl Download<'_> {
    /// What has come; `None` at the end. An answer that breaks off is an error.
    pub async fn more(&mut self) -> Result<Option<Bytes>, ControlError> {
        loop {
            let frame = self.control.living(self.body.frame()).await?;
            let Some(frame) = frame else { return Ok(None) };
            let frame = frame.map_err(|error| self.control.broken(&error))?;
            // Trailers are nothing of it.
            if let Ok(bytes) = frame.into_data() {
                return Ok(Some(bytes));
            }
        }
    }
}

/// Why a service did not do something.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// It has the socket, and says nothing.
    #[error(
        "the service does not answer at {} within {} s; its log may say why. If it is held, let \
         it go on, else stop it", .0.display(), LIMIT.as_secs()
    )]
    Silent(PathBuf),
    /// The settings name a database, and it has another.
    #[error(
        "the service at {} keeps its data in {found}, and these settings name {named}. Leave out \
         MONGODB_URI, or name the data folder of the service that is meant (DATA_DIR)",
        .path.display()
    )]
    OtherStore {
        path: PathBuf,
        /// What the service says.
        found: String,
        /// What the settings say.
        named: String,
    },
    /// Its answer did not come, or is none.
    #[error("the service did not answer as it should at {}: {reason}", .path.display())]
    Broken { path: PathBuf, reason: String },
    /// It says why not.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// A problem, as RFC 9457 has it.
#[derive(Debug, Deserialize)]
pub struct Refused {
    r#type: String,
    title: String,
    detail: String,
    #[serde(default)]
    errors: Vec<Fault>,
}

/// One thing that is wrong with what was sent.
#[derive(Debug, Deserialize)]
struct Fault {
    field: String,
    message: String,
}

impl Refused {
    /// Which problem it is: the last part of its `type`.
    pub fn kind(&self) -> &str {
        self.r#type.strip_prefix(PROBLEM).unwrap_or(&self.r#type)
    }

    /// What is wrong with what was sent, or with what it was about.
    pub fn messages(&self) -> impl Iterator<Item = &str> {
        self.errors.iter().map(|fault| fault.message.as_str())
    }
}

impl Error for Refused {}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.title)?;
        if self.errors.is_empty() {
            return f.write_str(self.detail.trim_end_matches('.'));
        }
        let faults = self.errors.iter();
        let faults = faults.map(|Fault { field, message }| format!("{field} {message}"));
        f.write_str(&faults.collect::<Vec<_>>().join("; "))
    }
}

impl ControlError {
    /// Which problem it is, where it is one that the service knows.
    pub fn kind(&self) -> Option<&str> {
        match self {
            Self::Refused(refused) => Some(refused.kind()),
            Self::Silent(_) | Self::OtherStore { .. } | Self::Broken { .. } => None,
        }
    }
}

impl Control {
    /// The service that has the data folder of these settings, if one listens there.
    pub async fn at(settings: &Settings) -> Result<Option<Self>, ControlError> {
        let path = app::control_socket(&settings.store.data_dir);
        // Where none is named, the service knows better than whoever asks it.
        let named = settings.store.mongodb_uri.as_ref().map(|_| app::store_place(settings));
        Self { path, limit: LIMIT }.if_it_lives(named).await
    }

    /// The service that has this data folder, if one listens there, whatever database it has.
    pub async fn in_folder(data_dir: &Path) -> Result<Option<Self>, ControlError> {
        Self { path: app::control_socket(data_dir), limit: LIMIT }.if_it_lives(None).await
    }

    async fn if_it_lives(self, named: Option<String>) -> Result<Option<Self>, ControlError> {
        match self.has_to_live().await {
            Ok(headers) => {
                let found = headers.get(STORE).and_then(|store| store.to_str().ok());
                match (found, named) {
                    (Some(found), Some(named)) if found != named => Err(ControlError::OtherStore {
                        path: self.path,
                        found: found.into(),
                        named,
                    }),
                    _ => Ok(Some(self)),
                }
            }
            // Nobody listens, or whoever did has gone.
            Err(ControlError::Broken { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Where it listens.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// GET.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ControlError> {
        self.call(Method::GET, path, None).await
    }

    /// All rows of a list that comes in pages; each answer has its rows under this name.
    pub async fn get_all<T: DeserializeOwned>(
        &self,
        path: &str,
        name: &str,
    ) -> Result<Vec<T>, ControlError> {
        let mut all = Vec::new();
        let mut page = format!("{path}?limit=500");
        loop {
            let mut answer: Value = self.get(&page).await?;
            let rows: Vec<T> = self.read(answer[name].take())?;
            all.extend(rows);
            let Some(cursor) = answer["nextCursor"].as_str() else {
                return Ok(all);
            };
            let cursor: String = form_urlencoded::byte_serialize(cursor.as_bytes()).collect();
            page = format!("{path}?limit=500&cursor={cursor}");
        }
    }

    /// POST. What is answered without a body is `()`.
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &Value,
    ) -> Result<T, ControlError> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// PATCH.
    pub async fn patch<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &Value,
    ) -> Result<T, ControlError> {
        self.call(Method::PATCH, path, Some(body)).await
    }

    /// DELETE.
    pub async fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, ControlError> {
        self.call(Method::DELETE, path, None).await
    }

    /// DELETE with a body that says how.
    pub async fn delete_with<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &Value,
    ) -> Result<T, ControlError> {
        self.call(Method::DELETE, path, Some(body)).await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T, ControlError> {
        let mut answer = pin!(self.send(self.request(method, path, body)?));
        let answer = self.living(&mut answer).await??;
        let (status, body) = (answer.status(), answer.into_body());
        if !status.is_success() {
            return Err(self.refused(status, &body));
        }
        let body = if body.is_empty() { &b"null"[..] } else { &body };
        serde_json::from_slice(body).map_err(|error| self.broken(&error))
    }

    fn read<T: DeserializeOwned>(&self, value: Value) -> Result<T, ControlError> {
        serde_json::from_value(value).map_err(|error| self.broken(&error))
    }

    async fn has_to_live(&self) -> Result<HeaderMap, ControlError> {
        let asked = self.send(self.request(Method::GET, "/livez", None)?);
        let answered = timeout(self.limit, asked).await;
        let answer = answered.map_err(|_| ControlError::Silent(self.path.clone()))??;
        Ok(answer.into_parts().0.headers)
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Request<Full<Bytes>>, ControlError> {
        let uri: Uri = path.parse().map_err(|error| self.broken(&error))?;
        let bytes = body.map_or_else(Bytes::new, |body| body.to_string().into());
        let mut request = Request::new(Full::new(bytes));
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        if body.is_some() {
            let json = HeaderValue::from_static("application/json");
            request.headers_mut().insert(CONTENT_TYPE, json);
        }
        Ok(request)
    }

    /// GET, of an answer that is read as it comes.
    pub async fn download(&self, path: &str) -> Result<Download<'_>, ControlError> {
        let mut answer = pin!(self.begin(self.request(Method::GET, path, None)?));
        let (head, body) = self.living(&mut answer).await??.into_parts();
        if !head.status.is_success() {
            return Err(self.refused(head.status, &self.whole(body).await?));
        }
        Ok(Download { control: self, body })
    }

    /// What comes of something that may take as long as the service lives.
    async fn living<F: Future + Unpin>(&self, mut what: F) -> Result<F::Output, ControlError> {
        loop {
            match timeout(self.limit, &mut what).await {
                Ok(done) => return Ok(done),
                Err(_) => drop(self.has_to_live().await?),
            }
        }
    }

    /// Sends a request, on a connection of its own, and waits for the whole answer.
    pub async fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Bytes>, ControlError> {
        let (head, body) = self.begin(request).await?.into_parts();
        Ok(Response::from_parts(head, self.whole(body).await?))
    }

    async fn whole(&self, body: Incoming) -> Result<Bytes, ControlError> {
        let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await;
        Ok(body.map_err(|error| self.broken(&*error))?.to_bytes())
    }

    /// Sends a request, on a connection of its own, and waits for the head of the answer.
    async fn begin(
        &self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, ControlError> {
        let headers = request.headers_mut();
        headers.insert(HOST, HeaderValue::from_static("localhost"));
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        let stream = self.connect().await.map_err(|error| self.broken(&error))?;
        let opened = http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = opened.map_err(|error| self.broken(&error))?;
        // How it ends, the answer tells. It ends where nobody waits for that any more.
        tokio::spawn(connection);
        sender.send_request(request).await.map_err(|error| self.broken(&error))
    }

    async fn connect(&self) -> io::Result<UnixStream> {
        loop {
            match UnixStream::connect(&self.path).await {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => sleep(PAUSE).await,
                connected => return connected,
            }
        }
    }

    fn refused(&self, status: StatusCode, body: &[u8]) -> ControlError {
        match serde_json::from_slice::<Refused>(body) {
            Ok(refused) => refused.into(),
            Err(_) => ControlError::Broken {
                path: self.path.clone(),
                reason: format!("{status}, without saying why"),
            },
        }
    }

    fn broken(&self, error: &(dyn Error + 'static)) -> ControlError {
        let deepest = std::iter::successors(Some(error), |&error| error.source()).last();
        let reason = deepest.unwrap_or(error).to_string();
        ControlError::Broken { path: self.path.clone(), reason }
    }
}

#[cfg(test)]
mod tests;
