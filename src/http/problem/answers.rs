//! The errors that several routes answer, as the OpenAPI document has them.
//!
//! These types only describe: what is answered is a [`Problem`]. The comment of
//! each is its description in the document.

use utoipa::IntoResponses;

use super::{MEDIA_TYPE, Problem};

/// A parameter is out of its rule.
#[derive(IntoResponses)]
#[response(status = 400, content_type = MEDIA_TYPE)]
pub struct InvalidParameters(pub Problem);

/// A value breaks its rule.
#[derive(IntoResponses)]
#[response(status = 400, content_type = MEDIA_TYPE)]
pub struct InvalidFields(pub Problem);

/// The body is not of this form.
#[derive(IntoResponses)]
#[response(status = 400, content_type = MEDIA_TYPE)]
pub struct InvalidBody(pub Problem);

/// What a JSON body may be refused for before it is looked at.
#[derive(IntoResponses)]
pub enum UnreadableBody {
    /// The body did not arrive in time.
    #[response(status = 408, content_type = MEDIA_TYPE)]
    TimedOut(Problem),
    /// More than 16 KiB.
    #[response(status = 413, content_type = MEDIA_TYPE)]
    TooLarge(Problem),
    /// Another media type than `application/json`.
    #[response(status = 415, content_type = MEDIA_TYPE)]
    NotJson(Problem),
}

/// Nobody is signed in.
#[derive(IntoResponses)]
#[response(status = 401, content_type = MEDIA_TYPE)]
pub struct NotSignedIn(pub Problem);

/// Neither a session nor a token.
#[derive(IntoResponses)]
#[response(status = 401, content_type = MEDIA_TYPE)]
pub struct NoCredentials(pub Problem);

/// Not an administrator.
#[derive(IntoResponses)]
#[response(status = 403, content_type = MEDIA_TYPE)]
pub struct NotAdmin(pub Problem);

/// Not an administrator, or a page of another site.
#[derive(IntoResponses)]
#[response(status = 403, content_type = MEDIA_TYPE)]
pub struct NotAdminOrCrossSite(pub Problem);

/// A machine's token, or the control socket: neither is a person.
#[derive(IntoResponses)]
#[response(status = 403, content_type = MEDIA_TYPE)]
pub struct NoPerson(pub Problem);

/// A machine's token, the control socket, or a page of another site.
#[derive(IntoResponses)]
#[response(status = 403, content_type = MEDIA_TYPE)]
pub struct NoPersonOrCrossSite(pub Problem);

/// A token that is not good for this.
#[derive(IntoResponses)]
#[response(status = 403, content_type = MEDIA_TYPE)]
pub struct WrongScope(pub Problem);

/// There is no such letter.
#[derive(IntoResponses)]
#[response(status = 404, content_type = MEDIA_TYPE)]
pub struct UnknownLetter(pub Problem);

/// No instance knows a processor of that name.
#[derive(IntoResponses)]
#[response(status = 404, content_type = MEDIA_TYPE)]
pub struct UnknownProcessor(pub Problem);

/// A hundred commands wait to be carried out.
#[derive(IntoResponses)]
#[response(status = 429, content_type = MEDIA_TYPE,
    headers(("Retry-After" = u32, description = "Seconds to wait.")))]
pub struct TooManyCommands(pub Problem);

/// The address has an account.
#[derive(IntoResponses)]
#[response(status = 409, content_type = MEDIA_TYPE)]
pub struct EmailTaken(pub Problem);

/// Another write key has the name, or there are as many keys or origins as may be.
#[derive(IntoResponses)]
#[response(status = 409, content_type = MEDIA_TYPE)]
pub struct NoMoreWriteKeys(pub Problem);

/// The settings have the write key.
#[derive(IntoResponses)]
#[response(status = 409, content_type = MEDIA_TYPE)]
pub struct WriteKeyOfSettings(pub Problem);

/// The database cannot be reached, or the data folder cannot be written.
#[derive(IntoResponses)]
#[response(status = 503, content_type = MEDIA_TYPE,
    headers(("Retry-After" = u32, description = "Seconds to wait.")))]
pub struct NotKept(pub Problem);

/// Tried too often.
#[derive(IntoResponses)]
#[response(status = 429, content_type = MEDIA_TYPE,
    headers(("Retry-After" = u32, description = "Seconds to wait.")))]
pub struct TooManyRequests(pub Problem);

/// The database cannot be reached.
#[derive(IntoResponses)]
#[response(status = 503, content_type = MEDIA_TYPE,
    headers(("Retry-After" = u32, description = "Seconds to wait.")))]
pub struct DatabaseUnavailable(pub Problem);

/// The database cannot be reached, and the caller is not known from before.
#[derive(IntoResponses)]
#[response(status = 503, content_type = MEDIA_TYPE,
    headers(("Retry-After" = u32, description = "Seconds to wait.")))]
pub struct CallerUnverified(pub Problem);

/// All streams of this instance are open, or they are switched off, or the database cannot
/// be reached.
#[derive(IntoResponses)]
#[response(status = 503, content_type = MEDIA_TYPE,
    headers(("Retry-After" = u32, description = "Seconds to wait.")))]
pub struct NoStream(pub Problem);

/// Too many at once, or the database cannot be reached.
#[derive(IntoResponses)]
#[response(status = 503, content_type = MEDIA_TYPE,
    headers(("Retry-After" = u32, description = "Seconds to wait.")))]
pub struct Busy(pub Problem);
